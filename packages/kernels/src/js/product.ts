/**
 * The dense product that every kernel of this backend stands on: C (+)= A·B with double accumulation.
 *
 * Panels of four rows of A and four columns of B are packed as doubles, so that the inner loop reads both in order and
 * keeps its 4×4 results in registers. Products too thin to pay for packing take dot products instead.
 */

import { scratch } from './scratch';

export type Floats = Float32Array | Float64Array;

/** A matrix inside an array: element (i, j) stands at `offset + i·rowStride + j·columnStride`. */
export interface Matrix {
  readonly data: Floats;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Row-major matrix with `columns` columns (rows `stride` apart when they do not touch). */
export function rowMajor(data: Floats, columns: number, offset = 0, stride = columns): Matrix {
  return { data, offset, rowStride: stride, columnStride: 1 };
}

export function transpose({ data, offset, rowStride, columnStride }: Matrix): Matrix {
  return { data, offset, rowStride: columnStride, columnStride: rowStride };
}

const blockM = 256;
const blockN = 128;
const blockK = 512;
const packedA = /* @__PURE__ */ scratch();
const packedB = /* @__PURE__ */ scratch();
const sums = /* @__PURE__ */ scratch();

/** C = A·B, or C += A·B with `accumulate`; A is m×k, B is k×n. C shares memory with neither. */
export function product(m: number, n: number, k: number, a: Matrix, b: Matrix, c: Matrix, accumulate = false): void {
  if (m < 4 || n < 4) return thinProduct(m, n, k, a, b, c, accumulate);
  const panelA = packedA(blockM * blockK);
  const panelB = packedB(blockN * blockK);
  const sum = sums(blockM * blockN);
  for (let j0 = 0; j0 < n; j0 += blockN) {
    const columns = Math.min(blockN, n - j0);
    for (let i0 = 0; i0 < m; i0 += blockM) {
      const rows = Math.min(blockM, m - i0);
      sum.fill(0, 0, Math.ceil(rows / 4) * 4 * blockN);
      for (let k0 = 0; k0 < k; k0 += blockK) {
        const depth = Math.min(blockK, k - k0);
        pack(
          a.data,
          a.offset + i0 * a.rowStride + k0 * a.columnStride,
          a.rowStride,
          a.columnStride,
          rows,
          depth,
          panelA,
        );
        pack(
          b.data,
          b.offset + j0 * b.columnStride + k0 * b.rowStride,
          b.columnStride,
          b.rowStride,
          columns,
          depth,
          panelB,
        );
        for (let j = 0; j < columns; j += 4) {
          for (let i = 0; i < rows; i += 4) tile(depth, panelA, i * depth, panelB, j * depth, sum, i * blockN + j);
        }
      }
      for (let i = 0; i < rows; i++) {
        let at = c.offset + (i0 + i) * c.rowStride + j0 * c.columnStride;
        for (let j = 0; j < columns; j++, at += c.columnStride) {
          const value = sum[i * blockN + j]!;
          c.data[at] = accumulate ? c.data[at]! + value : value;
        }
      }
    }
  }
}

/** Copies `rows` × `depth` elements into panels of four rows, depth-major inside a panel, padded with zero rows. */
function pack(
  data: Floats,
  offset: number,
  rowStride: number,
  depthStride: number,
  rows: number,
  depth: number,
  out: Float64Array,
): void {
  let at = 0;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    let x = offset + i * rowStride;
    for (let p = 0; p < depth; p++, x += depthStride, at += 4) {
      out[at] = data[x]!;
      out[at + 1] = data[x + rowStride]!;
      out[at + 2] = data[x + 2 * rowStride]!;
      out[at + 3] = data[x + 3 * rowStride]!;
    }
  }
  if (i === rows) return;
  for (let p = 0; p < depth; p++) {
    for (let r = 0; r < 4; r++) out[at++] = i + r < rows ? data[offset + (i + r) * rowStride + p * depthStride]! : 0;
  }
}

/** sum[0..3][0..3] += the product of one packed panel of A with one of B. */
function tile(
  depth: number,
  a: Float64Array,
  atA: number,
  b: Float64Array,
  atB: number,
  sum: Float64Array,
  at: number,
): void {
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0; // prettier-ignore
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0; // prettier-ignore
  let c20 = 0, c21 = 0, c22 = 0, c23 = 0; // prettier-ignore
  let c30 = 0, c31 = 0, c32 = 0, c33 = 0; // prettier-ignore
  for (let p = 0; p < depth; p++, atA += 4, atB += 4) {
    const b0 = b[atB]!;
    const b1 = b[atB + 1]!;
    const b2 = b[atB + 2]!;
    const b3 = b[atB + 3]!;
    let x = a[atA]!;
    c00 += x * b0;
    c01 += x * b1;
    c02 += x * b2;
    c03 += x * b3;
    x = a[atA + 1]!;
    c10 += x * b0;
    c11 += x * b1;
    c12 += x * b2;
    c13 += x * b3;
    x = a[atA + 2]!;
    c20 += x * b0;
    c21 += x * b1;
    c22 += x * b2;
    c23 += x * b3;
    x = a[atA + 3]!;
    c30 += x * b0;
    c31 += x * b1;
    c32 += x * b2;
    c33 += x * b3;
  }
  addRow(sum, at, c00, c01, c02, c03);
  addRow(sum, at + blockN, c10, c11, c12, c13);
  addRow(sum, at + 2 * blockN, c20, c21, c22, c23);
  addRow(sum, at + 3 * blockN, c30, c31, c32, c33);
}

function addRow(sum: Float64Array, at: number, c0: number, c1: number, c2: number, c3: number): void {
  sum[at] = sum[at]! + c0;
  sum[at + 1] = sum[at + 1]! + c1;
  sum[at + 2] = sum[at + 2]! + c2;
  sum[at + 3] = sum[at + 3]! + c3;
}

/** The same for a few rows or columns: along k where that is contiguous, else row by row into the sums. */
function thinProduct(m: number, n: number, k: number, a: Matrix, b: Matrix, c: Matrix, accumulate: boolean): void {
  if (m > n) return thinProduct(n, m, k, transpose(b), transpose(a), transpose(c), accumulate);
  const sum = sums(n);
  for (let i = 0; i < m; i++) {
    const rowA = a.offset + i * a.rowStride;
    if (b.rowStride === 1) {
      for (let j = 0; j < n; j++) sum[j] = dot(k, a.data, rowA, a.columnStride, b.data, b.offset + j * b.columnStride);
    } else {
      sum.fill(0, 0, n);
      for (let p = 0; p < k; p++) {
        const x = a.data[rowA + p * a.columnStride]!;
        let at = b.offset + p * b.rowStride;
        for (let j = 0; j < n; j++, at += b.columnStride) sum[j] = sum[j]! + x * b.data[at]!;
      }
    }
    let at = c.offset + i * c.rowStride;
    for (let j = 0; j < n; j++, at += c.columnStride) c.data[at] = accumulate ? c.data[at]! + sum[j]! : sum[j]!;
  }
}

function dot(k: number, a: Floats, atA: number, strideA: number, b: Floats, atB: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let p = 0;
  for (; p + 4 <= k; p += 4, atA += 4 * strideA, atB += 4) {
    s0 += a[atA]! * b[atB]!;
    s1 += a[atA + strideA]! * b[atB + 1]!;
    s2 += a[atA + 2 * strideA]! * b[atB + 2]!;
    s3 += a[atA + 3 * strideA]! * b[atB + 3]!;
  }
  for (; p < k; p++, atA += strideA, atB++) s0 += a[atA]! * b[atB]!;
  return s0 + s1 + (s2 + s3);
}

/** φ from `at` on times the D numbers of Z from `atZ` on, one after the other. */
export function dotRow(phi: Float64Array, at: number, Z: ArrayLike<number>, atZ: number, D: number): number {
  let sum = 0;
  for (let i = 0; i < D; i++) sum += phi[at + i]! * Z[atZ + i]!;
  return sum;
}
