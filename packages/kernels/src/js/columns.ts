/** Running sums over time go column by column. */

import type { Tensor } from '../tensor';

/** Runs `body` for every batch row and column of [B, T, columns…]: element t stands at `at + t·step`. */
export function everyColumn(
  tensor: Tensor,
  body: (at: number, step: number, length: number, b: number, column: number) => void,
): void {
  const [B, T, ...columns] = tensor.shape as [number, number, ...number[]];
  const step = columns.reduce((product, size) => product * size, 1);
  for (let b = 0; b < B; b++)
    for (let column = 0; column < step; column++) body(b * T * step + column, step, T, b, column);
}
