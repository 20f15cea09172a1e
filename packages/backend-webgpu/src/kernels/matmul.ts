/** Batched matrix product with transposes, bias and accumulation. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { tileFor } from './tile';

export function matmul(machine: Machine): Pick<Kernels, 'matmul'> {
  return {
    matmul({ a, b, bias, transposeA = false, transposeB = false, accumulate = false, y }) {
      const n = y.shape.at(-1)!;
      const rows = y.shape.at(-2)!;
      const k = a.shape.at(transposeA ? -2 : -1)!;
      if (y.size === 0) return;
      const shared = b.shape.length === 2;
      // Rows of the whole batch in one product where b is shared.
      const merged = shared && !transposeA;
      const m = merged ? y.size / n : rows;
      const batch = y.size / (m * n);
      const wide = n % 4 === 0 && k % 4 === 0 && (!transposeA || m % 4 === 0);
      const tile = tileFor(machine, m, n, batch);
      machine.launch('matmul', {
        imports: { tile: tile.file },
        flags: wide ? ['wide'] : [],
        constants: {
          ...tile.constants,
          transpose_a: transposeA,
          transpose_b: transposeB,
          a_along_k: !transposeA,
          b_along_k: transposeB,
        },
        tensors: { a, b, bias, y },
        params: { m, n, k, b_stride: shared ? 0 : k * n, accumulate: accumulate ? 1 : 0 },
        groups: Math.ceil(m / tile.m) * Math.ceil(n / tile.n) * batch,
      });
    },
  };
}
