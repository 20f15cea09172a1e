/** NaN and infinities in some tokens of a sequence: what they must not reach is behind a reset or after the causal mask. */

import type { Numbers } from '../api';
import type { Inputs } from '../inputs';

export interface Poison {
  readonly value: number;
  /** Tokens whose rows it fills, in every sequence of the batch. */
  readonly tokens: readonly number[];
  /** Which tensors have it. */
  readonly of: readonly ('q' | 'k' | 'v' | 'gates' | 'state' | 'gradients')[];
}

/** `numbers` [B, rows, …] with the poison in the rows of its tokens; `perRow` tokens share a row. */
export function poisoned(
  inputs: Inputs,
  numbers: Numbers,
  poison: Poison | undefined,
  tensor: Poison['of'][number],
  perRow = 1,
): Numbers {
  if (!poison?.of.includes(tensor)) return numbers;
  const [, rows = 1, ...rest] = numbers.shape;
  const size = rest.reduce((product, axis) => product * axis, 1);
  const filled = new Set(poison.tokens.map((token) => Math.floor(token / perRow)));
  return inputs.replace(numbers, (i, x) => (filled.has(Math.floor(i / size) % rows) ? poison.value : x));
}
