// Rows of scores, which products find and read as they lie: a row in slices of SLICE numbers, the rows of a slice STRIDE numbers
// apart. Behind what a row shows stand as many zeros as a tile or a vector loop may read.

import { BLOCK_ROWS } from './decay';
import { max4, power4, sum4 } from './functions';
import { ROWS, STRIDE } from './tile';

/** Keys of a slice. */
export const SLICE: i32 = 128;
/** Numbers of a slice for a block of queries. */
export const SLICE_SIZE: i32 = (BLOCK_ROWS + ROWS) * STRIDE;

/** Zeros behind the first `shown` of a row's `columns`. */
export function hideRest(row: usize, shown: i32, columns: i32): void {
  const zeros = f32x4.splat(0);
  for (let s = shown / SLICE; s * SLICE < columns; s++) {
    const at = row + (<usize>(s * SLICE_SIZE + max(0, shown - s * SLICE)) << 2);
    v128.store(at, zeros);
    v128.store(at, zeros, 16);
    v128.store(at, zeros, 32);
    v128.store(at, zeros, 48);
  }
}

// Powers as types: each becomes a function of its own, without a question about p in its loop.
type Second = i16;
type Fourth = i32;
type Any = i64;

/** x^p for the p that the type says. */
@inline
function raise<P>(x: v128, p: i32): v128 {
  if (sizeof<P>() == 2) return f32x4.mul(x, x);
  if (sizeof<P>() == 4) return f32x4.mul(f32x4.mul(x, x), f32x4.mul(x, x));
  return power4(x, p);
}

/** x^(p−1). */
@inline
function raiseLess<P>(x: v128, p: i32): v128 {
  if (sizeof<P>() == 2) return x;
  if (sizeof<P>() == 4) return f32x4.mul(x, f32x4.mul(x, x));
  return power4(x, p - 1);
}

@inline
function bytesOf(count: i32): usize {
  return <usize>min(SLICE, count) << 2;
}

/** Multiplies a row by the factors of its keys; returns the largest magnitude. */
export function applyFactors(row: usize, shown: i32, factors: usize): f32 {
  let even = f32x4.splat(0);
  let odd = even;
  for (; shown > 0; shown -= SLICE, row += SLICE_SIZE << 2, factors += SLICE << 2) {
    const bytes = bytesOf(shown);
    for (let j: usize = 0; j < bytes; j += 32) {
      const x0 = f32x4.mul(v128.load(row + j), v128.load(factors + j));
      const x1 = f32x4.mul(v128.load(row + j, 16), v128.load(factors + j, 16));
      v128.store(row + j, x0);
      v128.store(row + j, x1, 16);
      even = f32x4.pmax(even, f32x4.abs(x0));
      odd = f32x4.pmax(odd, f32x4.abs(x1));
    }
  }
  return max4(f32x4.pmax(even, odd));
}

/** A row becomes weights (g·scale)^p; returns their sum. */
export function weigh(row: usize, shown: i32, scale: f32, p: i32): f32 {
  if (p == 2) return weighBy<Second>(row, shown, scale, p);
  if (p == 4) return weighBy<Fourth>(row, shown, scale, p);
  return weighBy<Any>(row, shown, scale, p);
}

function weighBy<P>(row: usize, shown: i32, scale: f32, p: i32): f32 {
  const scales = f32x4.splat(scale);
  let even = f32x4.splat(0);
  let odd = even;
  for (; shown > 0; shown -= SLICE, row += SLICE_SIZE << 2) {
    const bytes = bytesOf(shown);
    for (let j: usize = 0; j < bytes; j += 32) {
      const w0 = raise<P>(f32x4.mul(v128.load(row + j), scales), p);
      const w1 = raise<P>(f32x4.mul(v128.load(row + j, 16), scales), p);
      v128.store(row + j, w0);
      v128.store(row + j, w1, 16);
      even = f32x4.add(even, w0);
      odd = f32x4.add(odd, w1);
    }
  }
  return sum4(f32x4.add(even, odd));
}

/**
 * A slice's row of products s becomes weights (s·factor·scale)^p, and `dRow`, their gradient without `dden`, which all of them
 * share, that of s.
 */
export function unweigh(row: usize, dRow: usize, shown: i32, factors: usize, scale: f32, dden: f32, p: i32): void {
  if (p == 2) unweighBy<Second>(row, dRow, shown, factors, scale, dden, p);
  else if (p == 4) unweighBy<Fourth>(row, dRow, shown, factors, scale, dden, p);
  else unweighBy<Any>(row, dRow, shown, factors, scale, dden, p);
}

function unweighBy<P>(row: usize, dRow: usize, shown: i32, factors: usize, scale: f32, dden: f32, p: i32): void {
  const scales = f32x4.splat(scale);
  const slopes = f32x4.splat(<f32>p * scale);
  const dens = f32x4.splat(dden);
  const bytes = <usize>shown << 2;
  for (let j: usize = 0; j < bytes; j += 32) {
    const f0 = v128.load(factors + j);
    const f1 = v128.load(factors + j, 16);
    const x0 = f32x4.mul(f32x4.mul(v128.load(row + j), f0), scales);
    const x1 = f32x4.mul(f32x4.mul(v128.load(row + j, 16), f1), scales);
    const d0 = f32x4.mul(f32x4.add(v128.load(dRow + j), dens), f0);
    const d1 = f32x4.mul(f32x4.add(v128.load(dRow + j, 16), dens), f1);
    const below0 = raiseLess<P>(x0, p);
    const below1 = raiseLess<P>(x1, p);
    v128.store(row + j, f32x4.mul(below0, x0));
    v128.store(row + j, f32x4.mul(below1, x1), 16);
    v128.store(dRow + j, f32x4.mul(d0, f32x4.mul(below0, slopes)));
    v128.store(dRow + j, f32x4.mul(d1, f32x4.mul(below1, slopes)), 16);
  }
}
