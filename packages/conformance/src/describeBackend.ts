/** The published suite: every case and every rule of the contract as tests of whatever runner the caller has. */

import { kernelNames, type Backend, type BackendFactory, type KernelName } from '@sympow/kernels';
import type { DescribeOptions, Precision, Skip } from './api';
import { cases } from './cases';
import { checkCase } from './checkCase';
import { contract } from './contract';
import { agreement } from './agreement';
import { halvesOf, storesHalves, type Halves } from './halves';
import type { KernelCase } from './kernelCase';

/** The skip that excuses a case, if there is one. */
export function skipOf(skips: readonly Skip[], kase: KernelCase): Skip | undefined {
  return skips.find((skip) => skip.kernel === kase.kernel && (skip.case === undefined || skip.case === kase.name));
}

/** Cases of a kernel that run again with halves, for the sake of the time. */
const mostHalfCases = 3;

/** Those that can, first some from all over the list. */
function halfCases(kernel: KernelName): readonly KernelCase[] {
  const own = cases.filter((each) => each.kernel === kernel && !each.poisoned);
  const spread = own.filter((_, i) => i % Math.ceil(own.length / mostHalfCases) === 0);
  return [...spread, ...own.filter((each) => !spread.includes(each))];
}

async function complaintsOfHalves(
  backend: Backend,
  kernel: KernelName,
  halves: Halves,
  skips: readonly Skip[],
  precision: Precision,
): Promise<string[]> {
  if (!storesHalves(backend.capabilities.dtypes, halves)) return [];
  const complaints: string[] = [];
  let ran = 0;
  for (const kase of halfCases(kernel)) {
    if (ran === mostHalfCases) break;
    if (skipOf(skips, kase)) continue;
    const result = await checkCase(backend, kase, halves, precision);
    if (result) ran++;
    for (const complaint of result?.complaints ?? []) complaints.push(`${kase.name}: ${complaint}`);
  }
  return ran > 0 ? complaints : ['no case ran'];
}

/**
 * Defines the tests that hold a backend to the contract of `@sympow/kernels`: every kernel against the definition
 * `js({ float: 'float64' })` within {@link roundings}, the chunked form against a double loop, and the rules for
 * arguments, memory, scopes, transfers and closing.
 *
 * Names of tests start with the kernel, so that a runner's filter picks one.
 *
 * @param factory - opens the backend; it is opened once for all cases and a few times more for the rules about closing
 * @param options - `describe` and `it` of the test runner, and cases that are skipped, each with a reason and a date,
 *   or of which some run
 * @example
 * ```ts
 * import { describe, it } from 'vitest';
 * import { describeBackend } from '@sympow/conformance';
 * import { js } from '@sympow/kernels';
 *
 * describeBackend(js(), { describe, it });
 * ```
 */
export function describeBackend(factory: BackendFactory, options: DescribeOptions): void {
  const { describe, it, skips = [], every = 1, operandRoundoff } = options;
  const precision = { operandRoundoff };
  let opened: Promise<Backend> | undefined;
  const open = (): Promise<Backend> => (opened ??= factory.open());

  describe(`backend ${factory.name}`, () => {
    for (const kernel of kernelNames) {
      describe(kernel, () => {
        const own = cases.filter((each) => each.kernel === kernel);
        for (const kase of own.filter((_, i) => i % every === 0)) {
          const skip = skipOf(skips, kase);
          const run = async () => {
            const { complaints } = await checkCase(await open(), kase, undefined, precision);
            if (complaints.length > 0) throw new Error(`${kernel}, ${kase.name}: ${complaints.join('; ')}`);
          };
          if (skip) it.skip(`${kase.name} (skipped since ${skip.since}: ${skip.reason})`, run);
          else it(kase.name, run);
        }
        for (const halves of halvesOf(kernel)) {
          it(`${halves === 'mixed' ? 'float16 beside bfloat16 and others' : halves} where arguments need not be wide`, async () => {
            const complaints = await complaintsOfHalves(await open(), kernel, halves, skips, precision);
            if (complaints.length > 0) throw new Error(`${kernel}, ${complaints.join('; ')}`);
          });
        }
      });
    }
    describe('the forms of the recurrence', () => {
      for (const { name, run } of agreement) it(name, async () => run(await open(), operandRoundoff));
    });
    for (const group of new Set(contract.map((check) => check.group))) {
      describe(group, () => {
        for (const { name, run } of contract.filter((check) => check.group === group)) {
          it(name, async () => run({ backend: await open(), factory }));
        }
      });
    }
    describe('at the end', () => {
      it('leaves no buffer live and closes', async () => {
        const backend = await open();
        await backend.finish();
        const { liveBuffers } = backend.memory();
        await backend.close();
        if (liveBuffers !== 0) throw new Error(`${liveBuffers} buffers are live after all tensors were disposed of`);
      });
    });
  });
}
