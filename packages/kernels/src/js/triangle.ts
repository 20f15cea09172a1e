/**
 * Products with a triangle of weights: query row i meets the keys up to column `before + i`, and what lies beyond is not
 * multiplied, so that NaN and infinities of later tokens stay there.
 */

import { product, rowMajor, transpose, type Matrix } from './product';
import { scratch } from './scratch';

/** Rows whose own triangle is summed number by number. */
const edge = 16;
const sums = scratch();

/** C = W·X, each number rounded once: W is rows×(before + rows), X has a row per column of W and n columns. */
export function overKeys(rows: number, n: number, before: number, w: Matrix, x: Matrix, c: Matrix): void {
  const out = sums(rows * n);
  // Row 0 sees as much as all rows do.
  product(rows, n, before + 1, w, x, rowMajor(out, n));
  for (let first = 0; first < rows; first += edge) {
    const end = Math.min(rows, first + edge);
    const seen = before + 1;
    if (first > 0)
      product(end - first, n, first, at(w, first, seen), at(x, seen, 0), rowMajor(out, n, first * n), true);
    for (let i = first + 1; i < end; i++) {
      for (let j = before + first + 1; j <= before + i; j++)
        addRow(rowMajor(out, n, i * n), n, element(w, i, j), at(x, j, 0));
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < n; j++) c.data[c.offset + i * c.rowStride + j * c.columnStride] = out[i * n + j]!;
  }
}

/** C += Wᵀ·X: X has a row per row of W, C one per column. */
export function overQueries(rows: number, n: number, before: number, w: Matrix, x: Matrix, c: Matrix): void {
  const turned = transpose(w);
  product(before + 1, n, rows, turned, x, c, true);
  for (let first = 1; first < rows; first += edge) {
    const end = Math.min(rows, first + edge);
    const from = end - 1;
    const own = at(c, before + first, 0);
    product(end - first, n, rows - from, at(turned, before + first, from), at(x, from, 0), own, true);
    for (let i = first; i < from; i++) {
      for (let j = before + first; j <= before + i; j++) addRow(at(c, j, 0), n, element(w, i, j), at(x, i, 0));
    }
  }
}

/** The same matrix from another row and column on. */
function at(matrix: Matrix, row: number, column: number): Matrix {
  return { ...matrix, offset: matrix.offset + row * matrix.rowStride + column * matrix.columnStride };
}

function element({ data, offset, rowStride, columnStride }: Matrix, i: number, j: number): number {
  return data[offset + i * rowStride + j * columnStride]!;
}

/** Adds a multiple of the first row of X to that of C. */
function addRow(c: Matrix, n: number, weight: number, x: Matrix): void {
  let [to, from] = [c.offset, x.offset];
  for (let i = 0; i < n; i++, to += c.columnStride, from += x.columnStride)
    c.data[to] = c.data[to]! + weight * x.data[from]!;
}
