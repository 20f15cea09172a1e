// Products with a triangle of weights that lie row by row: query row r meets the first `before + r + 1` of `columns` keys, and
// what lies beyond is not multiplied, so that NaN and infinities of later tokens stay there.

import { product } from './product';
import { addMultiple } from './queryState';

/** Rows whose own triangle is summed number by number. */
const EDGE: i32 = 16;

/** Keys that row `r` meets. */
@inline
function shown(r: i32, before: i32, columns: i32): i32 {
  return max(0, min(columns, before + r + 1));
}

/** C = W·X, or C += W·X: rows of W, X and C stand `strideW`, `strideX` and `strideC` numbers apart. */
export function overKeys(
  rows: i32, n: i32, before: i32, columns: i32, w: usize, strideW: i32, x: usize, strideX: i32, c: usize, strideC: i32, accumulate: bool,
): void {
  const shared = shown(0, before, columns);
  product(rows, n, shared, w, strideW, 1, x, strideX, 1, c, strideC, accumulate);
  for (let first = 0; first < rows; first += EDGE) {
    const end = min(rows, first + EDGE);
    const all = shown(first, before, columns);
    const part = w + (<usize>(first * strideW + shared) << 2);
    const own = c + (<usize>(first * strideC) << 2);
    product(end - first, n, all - shared, part, strideW, 1, x + (<usize>(shared * strideX) << 2), strideX, 1, own, strideC, true);
    for (let r = first + 1; r < end; r++) {
      for (let j = all; j < shown(r, before, columns); j++) {
        addMultiple(n, c + (<usize>(r * strideC) << 2), x + (<usize>(j * strideX) << 2), load<f32>(w + (<usize>(r * strideW + j) << 2)));
      }
    }
  }
}

/** C += Wᵀ·X: X has a row per row of W, C one per column. */
export function overQueries(
  rows: i32, n: i32, before: i32, columns: i32, w: usize, strideW: i32, x: usize, strideX: i32, c: usize, strideC: i32,
): void {
  const shared = shown(0, before, columns);
  product(shared, n, rows, w, 1, strideW, x, strideX, 1, c, strideC, true);
  for (let first = shared; first < columns; first += EDGE) {
    const end = min(columns, first + EDGE);
    // From this row on all of them are met.
    const from = end - 1 - before;
    const part = w + (<usize>(from * strideW + first) << 2);
    const own = c + (<usize>(first * strideC) << 2);
    product(end - first, n, rows - from, part, 1, strideW, x + (<usize>(from * strideX) << 2), strideX, 1, own, strideC, true);
    for (let r = first - before; r < from; r++) {
      for (let j = first; j < shown(r, before, columns); j++) {
        addMultiple(n, c + (<usize>(j * strideC) << 2), x + (<usize>(r * strideX) << 2), load<f32>(w + (<usize>(r * strideW + j) << 2)));
      }
    }
  }
}

// The corner of a band: the keys that the first of `rows` queries sees and the last does not, a key less with every row.

/** Row `r` of scores in the corner. */
@inline
export function hide(line: usize, r: i32): void {
  for (let j: usize = 0; j < <usize>r << 2; j += 4) store<f32>(line + j, -Infinity);
}

/** C = W·X there. */
export function overCornerKeys(rows: i32, n: i32, w: usize, strideW: i32, x: usize, strideX: i32, c: usize, strideC: i32): void {
  for (let r = 0; r < rows; r++) {
    const out = c + (<usize>(r * strideC) << 2);
    memory.fill(out, 0, <usize>n << 2);
    for (let j = r; j < rows - 1; j++) {
      addMultiple(n, out, x + (<usize>(j * strideX) << 2), load<f32>(w + (<usize>(r * strideW + j) << 2)));
    }
  }
}

/** C += Wᵀ·X there. */
export function overCornerQueries(rows: i32, n: i32, w: usize, strideW: i32, x: usize, strideX: i32, c: usize, strideC: i32): void {
  for (let r = 0; r < rows - 1; r++) {
    for (let j = r; j < rows - 1; j++) {
      const by = load<f32>(w + (<usize>(r * strideW + j) << 2));
      addMultiple(n, c + (<usize>(j * strideC) << 2), x + (<usize>(r * strideX) << 2), by);
    }
  }
}
