/** Batched matrix product with transposes, bias and accumulation. */

import type { Kernels, MatmulArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';
import { fewRows, mostFewRows } from './fewRows';
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

function isThin({ transposeA = false, transposeB = false }: MatmulArgs, { m, k, shared }: Sizes): boolean {
  return m <= mostRowsOfMatvec && shared && transposeB && !transposeA && k % 4 === 0;
}

/** Whether they are few enough to be read by every workgroup. */
function isFew(machine: Machine, { transposeA, transposeB, y }: MatmulArgs, { m, k, shared }: Sizes): boolean {
  if (machine.facts.software || !shared || !transposeB || transposeA || k % 4 > 0) return false;
  return m <= (machine.products === 'float32' ? mostFewRows : 32) && y.dtype === 'float32';
}

/** Halves are read however they lie; what is written are vectors of four. */
export function matmulHalves(args: MatmulArgs): readonly string[] {
  const sizes = sizesOf(args);
  const { m, n, k } = sizes;
  const wide = n % 4 === 0 && k % 4 === 0 && (!args.transposeA || m % 4 === 0) && !isThin(args, sizes);
  return wide ? ['a', 'b', 'bias', 'y'] : ['a', 'b', 'bias'];
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
  const tiled = (args: MatmulArgs, sizes: Sizes, wide: boolean) => {
    const { a, b, bias, transposeA = false, transposeB = false, accumulate = false, y } = args;
    const { m, n, k, batch, shared } = sizes;
    // Panels that hold the operands as they are stored.
    const f16 = a.dtype === 'float16' && b.dtype === 'float16' && machine.facts.features.includes('shader-f16');
    const { tile, parts: most } = planFor(machine, sizes, wide);
    const onMatrixUnits = tile.file === 'matrix_product';
    // The parts are summed in fours.
    const perPart = Math.max(1, Math.ceil(k / (n % 4 === 0 ? most : 1) / tile.k)) * tile.k;
    const parts = Math.max(1, Math.ceil(k / perPart));
    const launch = (out: typeof y, last: boolean) =>
      machine.launch(onMatrixUnits ? tile.file : 'matmul', {
        imports: onMatrixUnits ? {} : { tile: tile.file },
        flags: onMatrixUnits ? [] : [...(wide ? ['wide'] : []), ...(f16 ? ['f16'] : [])],
        constants: {
          transpose_a: transposeA,
          transpose_b: transposeB,
          ...(onMatrixUnits
            ? { split: machine.products === 'split' }
            : { a_along_k: !transposeA, b_along_k: transposeB }),
          ...tile.constants,
        },
        tensors: { a, b, bias: last ? bias : undefined, y: out },
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
      const { m, n, k } = sizes;
      if (isThin(args, sizes)) return thin(args, sizes);
      const { a, b, bias, transposeA = false, accumulate, y } = args;
      if (isFew(machine, args, sizes)) {
        const map = { place: 0, m: n, activation: 0, tensors: { weight0: b, bias0: bias, y0: y } };
        return fewRows(machine, { x: a, rows: m, maps: [map], ...(accumulate && { accumulate }) });
      }
      tiled(args, sizes, n % 4 === 0 && k % 4 === 0 && (!transposeA || m % 4 === 0));
    },
  };
}
