/**
 * Products with a triangle of weights: query row i meets the keys up to column `before + i`, and what lies beyond is not
 * multiplied, so that NaN and infinities of later tokens stay there.
 */

import { product, rowMajor, transpose, type Floats, type Matrix } from './product';
import { scratch } from './scratch';

/** Rows whose own triangle is summed number by number. */
const edge = 8;
const sums = /* @__PURE__ */ scratch();
const behind = /* @__PURE__ */ scratch();

/** C = W·X, each number rounded once: W is rows×(before + rows), X has a row per column of W and n columns. */
export function overKeys(rows: number, n: number, before: number, w: Matrix, x: Matrix, c: Matrix): void {
  const out = sums(rows * n);
  const seen = before + 1;
  // Row 0 sees as much as all rows do.
  product(rows, n, seen, w, x, rowMajor(out, n));
  for (let first = 0; first < rows; first += edge) {
    const end = Math.min(rows, first + edge);
    if (first > 0) {
      product(end - first, n, first, part(w, first, seen), part(x, seen, 0), rowMajor(out, n, first * n), true);
    }
    for (let i = first + 1; i < end; i++) {
      let at = w.offset + i * w.rowStride + (before + first + 1) * w.columnStride;
      for (let j = before + first + 1; j <= before + i; j++, at += w.columnStride) {
        addMultiple(n, w.data[at]!, x.data, x.offset + j * x.rowStride, x.columnStride, out, i * n, 1);
      }
    }
  }
  for (let i = 0; i < rows; i++) {
    let at = c.offset + i * c.rowStride;
    for (let j = i * n; j < (i + 1) * n; j++, at += c.columnStride) c.data[at] = out[j]!;
  }
}

/** C += Wᵀ·X: X has a row per row of W, C one per column. */
export function overQueries(rows: number, n: number, before: number, w: Matrix, x: Matrix, c: Matrix): void {
  const turned = transpose(w);
  product(before + 1, n, rows, turned, x, c, true);
  for (let first = 1; first < rows; first += edge) {
    const end = Math.min(rows, first + edge);
    const from = end - 1;
    const key = before + first;
    product(end - first, n, rows - from, part(turned, key, from), part(x, from, 0), part(c, key, 0), true);
    for (let i = first; i < from; i++) {
      let at = w.offset + i * w.rowStride + key * w.columnStride;
      for (let j = key; j <= before + i; j++, at += w.columnStride) {
        const to = c.offset + j * c.rowStride;
        addMultiple(n, w.data[at]!, x.data, x.offset + i * x.rowStride, x.columnStride, c.data, to, c.columnStride);
      }
    }
  }
}

/** C = W·X for a band: query row i meets the keys from column i to column `before + i`; `rows` are at most `before + 1`. */
export function overBandKeys(rows: number, n: number, before: number, w: Matrix, x: Matrix, c: Matrix): void {
  const edges = rows - 1;
  const left = behind(rows * n).fill(0, 0, rows * n);
  const corner = turnedRound(part(w, 0, 0), edges, edges);
  const leftOut = turnedRound(rowMajor(left, n), edges, 0);
  if (edges > 0) overKeys(edges, n, 0, corner, turnedRound(x, edges, 0), leftOut);
  overKeys(rows, n, before - edges, part(w, 0, edges), part(x, edges, 0), c);
  for (let i = 0; i < edges; i++) addMultiple(n, 1, left, i * n, 1, c.data, c.offset + i * c.rowStride, c.columnStride);
}

/** C += Wᵀ·X for such a band. */
export function overBandQueries(rows: number, n: number, before: number, w: Matrix, x: Matrix, c: Matrix): void {
  const edges = rows - 1;
  const corner = turnedRound(w, edges, edges);
  if (edges > 0) overQueries(edges, n, 0, corner, turnedRound(x, edges, 0), turnedRound(c, edges, 0));
  overQueries(rows, n, before - edges, part(w, 0, edges), x, part(c, edges, 0));
}

/** The first rows of a matrix, and its first columns where they are given, from the last to the first. */
function turnedRound({ data, offset, rowStride, columnStride }: Matrix, rows: number, columns: number): Matrix {
  return {
    data,
    offset: offset + (rows - 1) * rowStride + Math.max(0, columns - 1) * columnStride,
    rowStride: -rowStride,
    columnStride: columns > 0 ? -columnStride : columnStride,
  };
}

/** The same matrix from another row and column on. */
function part({ data, offset, rowStride, columnStride }: Matrix, row: number, column: number): Matrix {
  return { data, offset: offset + row * rowStride + column * columnStride, rowStride, columnStride };
}

/** y += weight·x */
function addMultiple(
  n: number,
  weight: number,
  x: Floats,
  atX: number,
  stepX: number,
  y: Floats,
  atY: number,
  stepY: number,
): void {
  for (let i = 0; i < n; i++, atX += stepX, atY += stepY) y[atY] = y[atY]! + weight * x[atX]!;
}
