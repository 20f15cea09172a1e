/** Every kernel of the catalogue, unchecked. */

import { readingHalves, type HalfArguments, type UncheckedKernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { append } from './append';
import { arithmetic } from './arithmetic';
import { discountedSum } from './discountedSum';
import { lookup } from './lookup';
import { matmul, matmulHalves } from './matmul';
import { normLinear } from './normLinear';
import { optimizer } from './optimizer';
import { pointwise } from './pointwise';
import { powerAttention } from './powerAttention';
import { queryState } from './queryState';
import { queryWindow } from './queryWindow';
import { rotary } from './rotary';
import { hasHalves, rotaryAppend } from './rotaryAppend';
import { rows } from './rows';
import { scale } from './scale';
import { softmaxAttention } from './softmaxAttention';
import { stepState } from './stepState';
import { sums } from './sums';
import { updateState } from './updateState';

/** Outputs that are written in vectors, so that halves may be. */
const vectors: HalfArguments = {
  fill: ['y'],
  cast: ['y'],
  copyBlock: ['y'],
  add: ['y'],
  multiply: ['y'],
  gelu: ['y'],
  geluBackward: ['dx'],
  logSigmoidBackward: ['dx'],
  onePlusTanhBackward: ['dx'],
  swiglu: ['y'],
  swigluBackward: ['dgate', 'dup'],
  rotary: ['y'],
  rotaryBackward: ['dx'],
  // With a memory of halves its parts take them.
  rotaryAppend: (args) => ['q', 'k', 'v', 'y', ...(hasHalves(args) ? ['keys', 'values'] : [])],
  embed: ({ y }) => (y.shape.at(-1)! % 4 === 0 ? ['weight', 'y'] : ['weight']),
  matmul: matmulHalves,
  normLinear: ['x', 'normWeight', 'normBias', ...[0, 1, 2, 3, 4].flatMap((i) => [`weight${i}`, `bias${i}`])],
  // It moves words.
  append: ({ k, v }) => ([k, v].every(({ shape }) => (shape[2]! * shape[3]!) % 2 === 0) ? ['keys', 'values'] : []),
};

/** Halves are read by every kernel. */
export const halves = readingHalves(vectors);

export function kernelsOf(machine: Machine): UncheckedKernels {
  return {
    ...arithmetic(machine),
    ...pointwise(machine),
    ...rows(machine),
    ...matmul(machine),
    ...normLinear(machine),
    ...lookup(machine),
    ...rotary(machine),
    ...rotaryAppend(machine),
    ...sums(machine),
    ...optimizer(machine),
    ...scale(machine),
    ...updateState(machine),
    ...discountedSum(machine),
    ...queryState(machine),
    ...powerAttention(machine),
    ...softmaxAttention(machine),
    ...stepState(machine),
    ...append(machine),
    ...queryWindow(machine),
  };
}
