/** What a backend can do, as data: the results of all cases, kernel by kernel, without a test runner. */

import { kernelNames, type BackendFactory, type KernelName } from '@sympow/kernels';
import type { FeatureRow, Skip } from './api';
import { cases } from './cases';
import { checkCase } from './checkCase';
import { skipOf } from './describeBackend';

/**
 * Runs every case of every kernel on a backend, or of those that are named.
 *
 * @returns one row per kernel, in the order of the catalogue
 * @throws BackendError when the backend cannot be opened here
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { features } from '@sympow/conformance';
 *
 * for (const { kernel, status, passed, cases } of await features(js())) console.log(kernel, status, `${passed}/${cases}`);
 * ```
 */
export async function features(
  factory: BackendFactory,
  skips: readonly Skip[] = [],
  kernels: readonly KernelName[] = kernelNames,
): Promise<FeatureRow[]> {
  const backend = await factory.open();
  const rows: FeatureRow[] = [];
  for (const kernel of kernelNames.filter((name) => kernels.includes(name))) {
    let [passed, skipped, worst] = [0, 0, 0];
    const complaints: string[] = [];
    let broken = false;
    const own = cases.filter((kase) => kase.kernel === kernel);
    for (const kase of own) {
      if (skipOf(skips, kase)) {
        skipped++;
        continue;
      }
      try {
        const result = await checkCase(backend, kase);
        for (const { relative } of result.deviations) worst = Math.max(worst, relative);
        if (result.complaints.length === 0) passed++;
        else complaints.push(`${kase.name}: ${result.complaints.join('; ')}`);
      } catch (error) {
        broken = true;
        complaints.push(`${kase.name}: ${String(error)}`);
      }
    }
    const status = broken ? 'error' : complaints.length > 0 ? 'failed' : skipped > 0 ? 'partial' : 'passed';
    rows.push({ kernel, status, cases: own.length, passed, skipped, worst, complaints });
  }
  await backend.close();
  return rows;
}
