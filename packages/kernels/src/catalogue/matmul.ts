/** Batched matrix product with transposes, bias and accumulation. */

import { product, rowMajor, transpose } from '../js/product';
import { floats, lastAxis } from '../js/tensor';
import type { Shape, Tensor } from '../tensor';
import type { Entry } from './entry';
import { refuse } from './refuse';

/** What `matmul` reads, is told and writes; its entry has the formula. */
export interface MatmulArgs {
  /** [batch…, m, k], or [batch…, k, m] with `transposeA`. */
  a: Tensor;
  /** [k, n] shared by the whole batch or [batch…, k, n]; [n, k] with `transposeB`. */
  b: Tensor;
  /** [n], added to every row. */
  bias?: Tensor | undefined;
  transposeA?: boolean | undefined;
  transposeB?: boolean | undefined;
  /** Adds to what `y` holds instead of overwriting it. */
  accumulate?: boolean | undefined;

  /** [batch…, m, n] */
  y: Tensor;
}

/** y = a·b (+ bias, + y): [batch…, m, k]·[k, n] or, batched, [batch…, k, n]; either side transposed. */
export const matmul: Entry<MatmulArgs> = {
  // Axes depend on the transposes.
  reads: { a: '*', b: '*', 'bias?': '*' },
  writes: { y: '*' },
  roundings: 64,
  rule,
};

/** What it means; the `js` backend runs it. */
export const matmulJs = {
  matmul: multiplyAll,
};

/** Whether a shape is `batch` axes of another, then these. */
function isBatchOf(shape: Shape, other: Shape, batch: number, rows: number, columns: number): boolean {
  if (shape.length !== batch + 2 || shape[batch] !== rows || shape[batch + 1] !== columns) return false;
  for (let i = 0; i < batch; i++) if (shape[i] !== other[i]) return false;
  return true;
}

function rule({ a, b, bias, y, transposeA, transposeB }: MatmulArgs): void {
  const [left, right, out] = [a.shape, b.shape, y.shape];
  if (left.length < 2) refuse('matmul: shape of a', left, 'at least 2 axes');
  if (right.length < 2) refuse('matmul: shape of b', right, 'at least 2 axes');
  const batch = left.length - 2;
  const [m, k] = transposeA ? [left[batch + 1]!, left[batch]!] : [left[batch]!, left[batch + 1]!];
  const [rows, columns] = [right[right.length - 2]!, right[right.length - 1]!];
  const [depth, n] = transposeB ? [columns, rows] : [rows, columns];
  if (depth !== k) refuse('matmul: shape of b', right, `k = ${k} as in a [${left.join(', ')}]`);
  if (right.length > 2 && !isBatchOf(right, left, batch, rows, columns)) {
    refuse('matmul: shape of b', right, `2 axes, or the batch [${left.slice(0, batch).join(', ')}] of a`);
  }
  if (!isBatchOf(out, left, batch, m, n)) {
    refuse('matmul: shape of y', out, `[${[...left.slice(0, batch), m, n].join(', ')}]`);
  }
  const added = bias?.shape;
  if (added && (added.length !== 1 || added[0] !== n)) refuse('matmul: shape of bias', added, `[${n}]`);
}

function multiplyAll({ a, b, bias, transposeA = false, transposeB = false, accumulate = false, y }: MatmulArgs): void {
  const out = floats(y);
  const n = lastAxis(y);
  const m = y.shape.at(-2) ?? 1;
  const k = (transposeA ? a.shape.at(-2) : a.shape.at(-1)) ?? 1;
  const batch = m * n === 0 ? 0 : y.size / (m * n);
  const shared = b.shape.length === 2;
  // Rows of the whole batch in one product where b is shared: [batch·m, k] · [k, n].
  const merged = shared && !transposeA;
  const rows = merged ? batch * m : m;
  for (let z = 0; z < (merged ? Math.min(batch, 1) : batch); z++) {
    const left = transposeA ? transpose(rowMajor(floats(a), m, z * m * k)) : rowMajor(floats(a), k, z * m * k);
    const offset = shared ? 0 : z * k * n;
    const right = transposeB ? transpose(rowMajor(floats(b), k, offset)) : rowMajor(floats(b), n, offset);
    product(rows, n, k, left, right, rowMajor(out, n, z * m * n), accumulate);
  }
  if (!bias) return;
  const add = floats(bias);
  for (let at = 0; at < out.length; at += n) for (let j = 0; j < n; j++) out[at + j] = out[at + j]! + add[j]!;
}
