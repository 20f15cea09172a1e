/** Every kernel of the catalogue, unchecked. */

import type { UncheckedKernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { append } from './append';
import { dense } from './dense';
import { discountedSum } from './discountedSum';
import { elementwise } from './elementwise';
import { optimizer } from './optimizer';
import { powerAttention } from './powerAttention';
import { queryState } from './queryState';
import { queryWindow } from './queryWindow';
import { rotary } from './rotary';
import { scale } from './scale';
import { softmaxAttention } from './softmaxAttention';
import { stepState } from './stepState';
import { sums } from './sums';
import { updateState } from './updateState';

export function kernelsOf(machine: Machine): UncheckedKernels {
  const kernels: Readonly<Record<string, (args: never) => void>> = {
    ...elementwise(machine),
    ...dense(machine),
    ...softmaxAttention(machine),
    ...rotary(machine),
    ...sums(machine),
    ...scale(machine),
    ...updateState(machine),
    ...discountedSum(machine),
    ...powerAttention(machine),
    ...queryState(machine),
    ...stepState(machine),
    ...append(machine),
    ...queryWindow(machine),
    ...optimizer(machine),
  };
  return Object.fromEntries(
    Object.entries(kernels).map(([name, kernel]) => [
      name,
      (args: never) => {
        try {
          kernel(args);
        } finally {
          machine.release();
        }
      },
    ]),
  ) as unknown as UncheckedKernels;
}
