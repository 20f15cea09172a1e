/** Batched matrix product with transposes, bias and accumulation. */

import type { Kernels, MatmulArgs, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, vectors } from './arithmetic';
import { planFor } from './tile';

/** Rows that are few enough to read b just once for all of them. */
const mostRowsOfMatvec = 4;

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  readonly shared: boolean;
}

function sizesOf({ a, b, transposeA, y }: MatmulArgs): Sizes {
  const n = y.shape.at(-1)!;
  const k = a.shape.at(transposeA ? -2 : -1)!;
  const shared = b.shape.length === 2;
  // Rows of the whole batch in one product where b is shared.
  const m = shared && !transposeA ? y.size / n : y.shape.at(-2)!;
  return { m, n, k, batch: y.size / (m * n), shared };
}

export function matmul(machine: Machine): Pick<Kernels, 'matmul'> {
  const thin = ({ a, b, bias, accumulate = false, y }: MatmulArgs, { m, n, k }: Sizes) => {
    machine.launch('matvec', {
      constants: { rows: m },
      tensors: { a, b, bias, y },
      params: { n, vectors: k / 4, accumulate: accumulate ? 1 : 0 },
      groups: Math.ceil(n / 8),
    });
  };
  /** Bits of the largest finite |x| of both operands. */
  const ranges = ({ a, b }: MatmulArgs): Tensor => {
    const largest = a.backend.empty([2], 'int32');
    machine.launch('fill', { tensors: { y: largest }, params: { size: 1, bits: 0 }, groups: 1 });
    [a, b].forEach((x, at) => {
      const groups = Math.min(256, Math.ceil(vectors(x) / 256));
      machine.launch('largest', { tensors: { x, largest }, params: { size: x.size, at }, groups });
    });
    return largest;
  };
  const tiled = (args: MatmulArgs, sizes: Sizes, wide: boolean, largest?: Tensor) => {
    const { a, b, bias, transposeA = false, transposeB = false, accumulate = false, y } = args;
    const { m, n, k, batch, shared } = sizes;
    const { tile, parts: most } = planFor(machine, m, n, k, batch);
    // The parts are summed in fours.
    const perPart = Math.max(1, Math.ceil(k / (n % 4 === 0 ? most : 1) / tile.k)) * tile.k;
    const parts = Math.max(1, Math.ceil(k / perPart));
    const launch = (out: typeof y, last: boolean) =>
      machine.launch('matmul', {
        imports: { tile: tile.file },
        flags: [...(wide ? ['wide'] : []), ...(largest ? ['f16'] : [])],
        constants: {
          ...tile.constants,
          transpose_a: transposeA,
          transpose_b: transposeB,
          a_along_k: !transposeA,
          b_along_k: transposeB,
        },
        tensors: { a, b, largest, bias: last ? bias : undefined, y: out },
        params: {
          m,
          n,
          k,
          b_stride: shared ? 0 : k * n,
          k_per_part: perPart,
          y_stride: y.size,
          accumulate: last && accumulate ? 1 : 0,
        },
        groups: Math.ceil(m / tile.m) * Math.ceil(n / tile.n) * parts * batch,
      });
    if (parts === 1) {
      launch(y, true);
      return;
    }
    y.backend.scope(() => {
      const sums = y.backend.empty([parts, y.size]);
      launch(sums, false);
      const size = y.size / 4;
      machine.launch('sum_parts', {
        tensors: { parts: sums, bias, y },
        params: { size, parts, n: n / 4, accumulate: accumulate ? 1 : 0 },
        groups: groupsOf256(size),
      });
    });
  };
  return {
    matmul(args) {
      if (args.y.size === 0) return;
      const sizes = sizesOf(args);
      const { m, n, k, shared } = sizes;
      const { transposeA = false, transposeB = false } = args;
      if (m <= mostRowsOfMatvec && shared && transposeB && !transposeA && k % 4 === 0) return thin(args, sizes);
      const wide = n % 4 === 0 && k % 4 === 0 && (!transposeA || m % 4 === 0);
      if (machine.f16 && !args.exact) args.y.backend.scope(() => tiled(args, sizes, wide, ranges(args)));
      else tiled(args, sizes, wide);
    },
  };
}
