/** What came out of an experiment, as files. */

import type { Storage } from '@sympow/storage';
import { chartsOf } from './charts';
import { csvFiles } from './csv';
import { htmlPage, markdownPage, type PageFacts } from './report';
import type { Results } from './results';

/** Writes results.json, CSV files, charts, report.md and report.html. */
export async function writeResults(storage: Storage, results: Results, facts: PageFacts): Promise<void> {
  await storage.write('results.json', `${JSON.stringify(results, null, 1)}\n`);
  for (const [name, contents] of Object.entries(csvFiles(results))) await storage.write(name, contents);
  const charts = await chartsOf(results);
  for (const { name, svg } of charts) await storage.folder('charts').write(`${name}.svg`, svg);
  await storage.write('report.md', markdownPage(results, charts, facts));
  await storage.write('report.html', htmlPage(results, charts, facts));
}
