// Panels: matrices packed for the tile, and products of them. Strides count elements; columns of C touch.

import { mark, release, take } from './arena';
import { Across, COLUMNS, ROWS, STRIDE, depthStep, madd, rowStep, tile } from './tile';

/** Depth that is packed at a time where it may be long. */
export const BLOCK_K: i32 = 256;

/** `count` filled up to whole groups. */
@inline
export function padded(count: i32, group: i32): i32 {
  return ((count + group - 1) / group) * group;
}

/** C (+)= the product of A, in the layout that its type says, and packed panels of B. */
export function multiplyPanels<A>(rows: i32, columns: i32, depth: i32, a: usize, b: usize, c: usize, strideC: i32, fresh: bool): void {
  const stride = <usize>strideC << 2;
  for (let j = 0; j < columns; j += COLUMNS) {
    const panelB = b + ((<usize>j * depth) << 2);
    for (let i = 0; i < rows; i += ROWS) {
      const panelA = a + <usize>i * (isInteger<A>() ? <usize>depth << 2 : rowStep<A>());
      const at = c + <usize>i * stride + (<usize>j << 2);
      if (i + ROWS <= rows && j + COLUMNS <= columns) tile<A>(depth, panelA, panelB, at, stride, fresh);
      else edge<A>(min(ROWS, rows - i), min(COLUMNS, columns - j), depth, panelA, panelB, at, stride, fresh);
    }
  }
}

// A triangle of numbers: row i has i + 1 + `before` of them. What lies behind them is computed, but not multiplied.

/** C = A·B where only a triangle of C is wanted, rows STRIDE numbers apart: in whole tiles, for which there is room. */
export function multiplyToTriangle(rows: i32, columns: i32, depth: i32, before: i32, a: usize, b: usize, c: usize): void {
  for (let j = 0; j < columns; j += COLUMNS) {
    const i = (max(0, j - before) / ROWS) * ROWS;
    const at = c + (<usize>(i * STRIDE + j) << 2);
    multiplyPanels<Across>(padded(rows - i, ROWS), COLUMNS, depth, a + (<usize>i << 2), b + (<usize>(j * depth) << 2), at, STRIDE, true);
  }
}

/** C (+)= A·B where A is a triangle (Along) or one read by columns (Across): `depth` rows of it then, at most `rows` columns. */
export function multiplyTriangle<A>(
  rows: i32, columns: i32, depth: i32, before: i32, a: usize, b: usize, c: usize, strideC: i32, fresh: bool,
): void {
  const stride = <usize>strideC << 2;
  for (let j = 0; j < columns; j += COLUMNS) {
    const panelB = b + (<usize>(j * depth) << 2);
    for (let i = 0; i < rows; i += ROWS) {
      const partA = a + <usize>i * rowStep<A>();
      const at = c + <usize>i * stride + (<usize>j << 2);
      if (i + ROWS <= rows && j + COLUMNS <= columns) triangleTile<A>(depth, i + before, i - before, partA, panelB, at, stride, fresh);
      else {
        const start = mark();
        const whole = take(ROWS * COLUMNS);
        const high = min(ROWS, rows - i);
        const wide = min(COLUMNS, columns - j);
        if (!fresh) copyRows(high, wide, at, stride, whole, COLUMNS << 2);
        triangleTile<A>(depth, i + before, i - before, partA, panelB, whole, COLUMNS << 2, fresh);
        copyRows(high, wide, whole, COLUMNS << 2, at, stride);
        release(start);
      }
    }
  }
}

/**
 * A tile of that product. Along, its row r has all k up to `longest` + r; Across, all from `first` + r on. What all rows share is
 * a tile as any other; the corner where they differ is summed row by row.
 */
@inline
function triangleTile<A>(depth: i32, longest: i32, first: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
  if (sizeof<A>() == 4) {
    const shared = max(0, min(depth, longest + 1));
    tile<A>(shared, a, b, c, stride, fresh);
    for (let k = shared, end = min(depth, longest + ROWS); k < end; k++) {
      for (let r = k - longest; r < ROWS; r++) addGroup<A>(r, k, a, b, c, stride);
    }
  } else {
    const begin = max(0, min(depth, first));
    const shared = max(0, min(depth, first + ROWS - 1));
    if (fresh && begin < shared) {
      for (let r = 0; r < ROWS; r++) memory.fill(c + <usize>r * stride, 0, COLUMNS << 2);
      fresh = false;
    }
    for (let k = begin; k < shared; k++) {
      for (let r = min(ROWS - 1, k - first); r >= 0; r--) addGroup<A>(r, k, a, b, c, stride);
    }
    tile<A>(depth - shared, a + <usize>shared * depthStep<A>(), b + (<usize>(shared * COLUMNS) << 2), c, stride, fresh);
  }
}

/** Row r of C += the number of A at (r, k) times the group of B for k. */
@inline
function addGroup<A>(r: i32, k: i32, a: usize, b: usize, c: usize, stride: usize): void {
  const x = v128.load32_splat(a + <usize>r * rowStep<A>() + <usize>k * depthStep<A>());
  const from = b + (<usize>(k * COLUMNS) << 2);
  const to = c + <usize>r * stride;
  for (let i: usize = 0; i < <usize>COLUMNS << 2; i += 16) v128.store(to + i, madd(x, v128.load(from + i), v128.load(to + i)));
}

function copyRows(rows: i32, columns: i32, x: usize, strideX: usize, y: usize, strideY: usize): void {
  for (let i: usize = 0; i < <usize>rows; i++) memory.copy(y + i * strideY, x + i * strideX, <usize>columns << 2);
}

/** A tile of which only a part belongs to C. */
function edge<A>(rows: i32, columns: i32, depth: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
  const start = mark();
  const whole = take(ROWS * COLUMNS);
  // The same sums in the same order as a whole tile: how rows are cut into blocks changes no digit.
  if (!fresh) copyRows(rows, columns, c, stride, whole, COLUMNS << 2);
  tile<A>(depth, a, b, whole, COLUMNS << 2, fresh);
  copyRows(rows, columns, whole, COLUMNS << 2, c, stride);
  release(start);
}

/** y = xᵀ for four rows of four numbers, `strideX` and `strideY` bytes apart, in registers. */
@inline
function turnBlock(x: usize, strideX: usize, y: usize, strideY: usize): void {
  const x0 = v128.load(x);
  const x1 = v128.load(x + strideX);
  const x2 = v128.load(x + 2 * strideX);
  const x3 = v128.load(x + 3 * strideX);
  const t0 = i32x4.shuffle(x0, x1, 0, 4, 1, 5);
  const t1 = i32x4.shuffle(x2, x3, 0, 4, 1, 5);
  const t2 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
  const t3 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
  v128.store(y, i64x2.shuffle(t0, t1, 0, 2));
  v128.store(y + strideY, i64x2.shuffle(t0, t1, 1, 3));
  v128.store(y + 2 * strideY, i64x2.shuffle(t2, t3, 0, 2));
  v128.store(y + 3 * strideY, i64x2.shuffle(t2, t3, 1, 3));
}

/** A into panels of ROWS rows: for each p the ROWS numbers A[i…, p], zeros below the last row. */
export function packRows(rows: i32, depth: i32, a: usize, rowA: i32, columnA: i32, out: usize): void {
  const down = <usize>rowA << 2;
  const along = <usize>columnA << 2;
  for (let i = 0; i < rows; i += ROWS) {
    const at = a + <usize>i * down;
    const count = min(ROWS, rows - i);
    if (count == ROWS && columnA == 1) packAlong(depth, at, down, out);
    else if (count == ROWS && rowA == 1) packDown(depth, at, along, out);
    else {
      for (let p = 0; p < depth; p++) {
        const x = at + <usize>p * along;
        const y = out + (<usize>(p * ROWS) << 2);
        for (let r = 0; r < ROWS; r++) store<f32>(y + (<usize>r << 2), r < count ? load<f32>(x + <usize>r * down) : 0);
      }
    }
    out += <usize>(ROWS * depth) << 2;
  }
}

/** ROWS rows of which each lies in one piece. */
function packAlong(depth: i32, a: usize, down: usize, out: usize): void {
  let p = 0;
  for (; p + 4 <= depth; p += 4, a += 16) {
    const step: usize = ROWS << 2;
    turnBlock(a, down, out, step);
    for (let r = 4; r < ROWS; r++) {
      const x = v128.load(a + <usize>r * down);
      const y = out + (<usize>r << 2);
      v128.store_lane<f32>(y, x, 0);
      v128.store_lane<f32>(y + step, x, 1);
      v128.store_lane<f32>(y + 2 * step, x, 2);
      v128.store_lane<f32>(y + 3 * step, x, 3);
    }
    out += step << 2;
  }
  for (; p < depth; p++, a += 4) {
    for (let r = 0; r < ROWS; r++, out += 4) store<f32>(out, load<f32>(a + <usize>r * down));
  }
}

/** ROWS rows that stand side by side for each p. */
function packDown(depth: i32, a: usize, along: usize, out: usize): void {
  for (let p = 0; p < depth; p++, a += along, out += ROWS << 2) {
    v128.store(out, v128.load(a));
    for (let r = 4; r < ROWS; r++) store<f32>(out + (<usize>r << 2), load<f32>(a + (<usize>r << 2)));
  }
}

/** B into panels of COLUMNS columns: for each p the COLUMNS numbers B[p, j…], zeros beyond the last column. */
export function packColumns(columns: i32, depth: i32, b: usize, rowB: i32, columnB: i32, out: usize): void {
  const down = <usize>rowB << 2;
  const along = <usize>columnB << 2;
  for (let j = 0; j < columns; j += COLUMNS) {
    let x = b + <usize>j * along;
    const count = min(COLUMNS, columns - j);
    if (count == COLUMNS && columnB == 1) {
      for (let p = 0; p < depth; p++, x += down, out += COLUMNS << 2) {
        v128.store(out, v128.load(x));
        v128.store(out, v128.load(x, 16), 16);
        if (COLUMNS == 16) {
          v128.store(out, v128.load(x, 32), 32);
          v128.store(out, v128.load(x, 48), 48);
        }
      }
    } else if (count == COLUMNS && rowB == 1) {
      for (let c = 0; c < COLUMNS; c += 4) packTurned(depth, x + <usize>c * along, along, out + (<usize>c << 2));
      out += <usize>(depth * COLUMNS) << 2;
    } else {
      for (let p = 0; p < depth; p++, x += down) {
        for (let c = 0; c < COLUMNS; c++, out += 4) store<f32>(out, c < count ? load<f32>(x + <usize>c * along) : 0);
      }
    }
  }
}

/** Four columns that lie in one piece each, turned into groups of four of a panel. */
function packTurned(depth: i32, b: usize, along: usize, out: usize): void {
  const step: usize = COLUMNS << 2;
  let p = 0;
  for (; p + 4 <= depth; p += 4, b += 16, out += 4 * step) turnBlock(b, along, out, step);
  for (; p < depth; p++, b += 4, out += step) {
    for (let c: usize = 0; c < 4; c++) store<f32>(out + (c << 2), load<f32>(b + c * along));
  }
}

/** y = xᵀ, rows of x [rows, columns] and of y `strideX` and `strideY` bytes apart. */
export function transpose(rows: i32, columns: i32, x: usize, strideX: usize, y: usize, strideY: usize): void {
  let r = 0;
  for (; r + 4 <= rows; r += 4, x += 4 * strideX, y += 16) {
    let c = 0;
    let from = x;
    let to = y;
    for (; c + 4 <= columns; c += 4, from += 16, to += 4 * strideY) turnBlock(from, strideX, to, strideY);
    for (; c < columns; c++, from += 4, to += strideY) {
      for (let i: usize = 0; i < 4; i++) store<f32>(to + (i << 2), load<f32>(from + i * strideX));
    }
  }
  for (; r < rows; r++, x += strideX, y += 4) {
    for (let c: usize = 0; c < <usize>columns; c++) store<f32>(y + c * strideY, load<f32>(x + (c << 2)));
  }
}
