/** Every case of the suite. */

import { entryOf, kernelNames } from '@sympow/kernels';
import type { KernelCase } from '../kernelCase';
import { decoding } from './decoding';
import { dense } from './dense';
import { elementwise } from './elementwise';
import { optimizer } from './optimizer';
import { phaseAndGateSums } from './phases';
import { recurrence } from './recurrence';
import { scale } from './scale';
import { softmaxAttention } from './softmaxAttention';

const written = [
  ...elementwise,
  ...dense,
  ...softmaxAttention,
  ...phaseAndGateSums,
  ...scale,
  ...recurrence,
  ...decoding,
  ...optimizer,
];

/** For every optional output of a kernel, its first case that would have asked for it, without it. */
function leftOut(): KernelCase[] {
  return kernelNames.flatMap((kernel) => {
    const { writes, together } = entryOf(kernel);
    return Object.keys(writes)
      .filter((key) => key.endsWith('?'))
      .map((key) => key.slice(0, -1))
      .filter((output) => !together?.includes(output))
      .flatMap((output): KernelCase[] => {
        const kase = written.find((each) => each.kernel === kernel && /usual|17|65/.test(each.name));
        if (!kase) return [];
        const { without = [] } = kase;
        return [{ ...kase, name: `${kase.name}, without ${output}`, without: [...without, output] }];
      });
  });
}

/** All cases, those of one kernel next to each other, in the order of the catalogue. */
export const cases: readonly KernelCase[] = kernelNames.flatMap((kernel) =>
  [...written, ...leftOut()].filter((kase) => kase.kernel === kernel),
);
