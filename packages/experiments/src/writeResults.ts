/** What came out of an experiment, as files. */

import type { MissingPackageError } from '@sympow/evaluation';
import { isSympowError } from '@sympow/kernels';
import type { Storage } from '@sympow/storage';
import { chartsOf, type Chart } from './charts';
import { csvFiles } from './csv';
import { htmlPage, markdownPage, type PageFacts } from './report';
import type { Results } from './results';

/**
 * Writes results.json, CSV files, charts, report.md and report.html.
 *
 * @returns why there are no charts, where that is so: they need `vega` and `vega-lite`
 */
export async function writeResults(
  storage: Storage,
  results: Results,
  facts: PageFacts,
): Promise<MissingPackageError | undefined> {
  await storage.write('results.json', `${JSON.stringify(results, null, 1)}\n`);
  for (const [name, contents] of Object.entries(csvFiles(results))) await storage.write(name, contents);
  const { charts, missing } = await drawn(results);
  for (const { name, svg } of charts) await storage.folder('charts').write(`${name}.svg`, svg);
  await storage.write('report.md', markdownPage(results, charts, facts));
  await storage.write('report.html', htmlPage(results, charts, facts));
  return missing;
}

async function drawn(results: Results): Promise<{ charts: Chart[]; missing?: MissingPackageError }> {
  try {
    return { charts: await chartsOf(results) };
  } catch (error) {
    if (isSympowError(error, 'MISSING_PACKAGE')) return { charts: [], missing: error as MissingPackageError };
    throw error;
  }
}
