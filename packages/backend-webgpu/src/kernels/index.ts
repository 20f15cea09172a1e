/** Every kernel of the catalogue, unchecked. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { append } from './append';
import { arithmetic } from './arithmetic';
import { discountedSum } from './discountedSum';
import { lookup } from './lookup';
import { matmul } from './matmul';
import { optimizer } from './optimizer';
import { pointwise } from './pointwise';
import { powerAttention } from './powerAttention';
import { queryState } from './queryState';
import { queryWindow } from './queryWindow';
import { rotary } from './rotary';
import { rows } from './rows';
import { scale } from './scale';
import { softmaxAttention } from './softmaxAttention';
import { stepState } from './stepState';
import { sums } from './sums';
import { updateState } from './updateState';

export function kernelsOf(machine: Machine): Kernels {
  return {
    ...arithmetic(machine),
    ...pointwise(machine),
    ...rows(machine),
    ...matmul(machine),
    ...lookup(machine),
    ...rotary(machine),
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
