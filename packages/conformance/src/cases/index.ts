/** Every case of the suite. */

import { entryOf, kernelNames } from '@sympow/kernels';
import type { KernelCase } from '../kernelCase';
import { decoding } from './decoding';
import { dense } from './dense';
import { elementwise } from './elementwise';
import { genericCases } from './generic';
import { optimizer } from './optimizer';
import { phaseAndGateSums } from './phases';
import { projections } from './projections';
import { recurrence } from './recurrence';
import { sampling } from './sampling';
import { scale } from './scale';
import { softmaxAttention } from './softmaxAttention';

const written = [
  ...elementwise,
  ...dense,
  ...projections,
  ...sampling,
  ...softmaxAttention,
  ...phaseAndGateSums,
  ...scale,
  ...recurrence,
  ...decoding,
  ...optimizer,
];

/** By hand where there are such, else from the axes. */
const all: readonly KernelCase[] = kernelNames.flatMap((kernel) => {
  const own = written.filter((each) => each.kernel === kernel);
  return own.length > 0 ? own : genericCases(kernel);
});

/** For every optional output of a kernel, its first case that would have asked for it, without it. */
function leftOut(): KernelCase[] {
  return kernelNames.flatMap((kernel) => {
    const { writes, together } = entryOf(kernel);
    return Object.keys(writes)
      .filter((key) => key.endsWith('?'))
      .map((key) => key.slice(0, -1))
      .filter((output) => !together?.includes(output))
      .flatMap((output): KernelCase[] => {
        const kase = all.find((each) => each.kernel === kernel && /usual|17|65/.test(each.name));
        if (!kase) return [];
        const { without = [] } = kase;
        return [{ ...kase, name: `${kase.name}, without ${output}`, without: [...without, output] }];
      });
  });
}

/** All cases, those of one kernel next to each other, in the order of the catalogue. */
export const cases: readonly KernelCase[] = kernelNames.flatMap((kernel) =>
  [...all, ...leftOut()].filter((kase) => kase.kernel === kernel),
);
