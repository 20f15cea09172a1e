// φ of a block of tokens and its gradient, after the runs of embedding.ts. Tokens stand side by side: every coordinate, monomial
// and feature is a row of STRIDE numbers, so that a step is one for whole vectors, and products take φ as it lies (Along and
// Across in tile.ts). A part of φ that stays in the cache is held at a time: features exist for as long as it takes to multiply
// with them.

import { take } from './arena';
import { counts, d, first, firstPrefix, lasts, monomials, p, prefixes, rest } from './embedding';
import { sum4 } from './functions';
import { BLOCK_K, multiplyPanels, packColumns, packRows, padded, transpose } from './panels';
import { COLUMNS, Packed, ROWS, STRIDE, madd } from './tile';

/** Tokens of a block. */
export const TOKENS: i32 = 128;
const ROW: usize = STRIDE << 2;
/** Features held at once, unless one run is longer. */
const FEATURES: i32 = 256;

/** Bytes of a row that are in use: whole groups of eight tokens, the last of them padded with zeros. */
let used: usize = 0;
/** Monomials of degrees 0 … p−1, the coordinates behind the first, and their gradients. */
let values: usize = 0;
let gradients: usize = 0;
/** A prefix times its weight. */
let factor: usize = 0;
/** φ of the features at hand, later their gradient. */
export let phi: usize = 0;
/** Panels of the other matrix. */
export let panels: usize = 0;
let ofTokens: usize = 0;
let ofState: usize = 0;

/** Features that are held at once, at most. */
@inline
function mostFeatures(): i32 {
  return max(FEATURES, d);
}

/** Takes work space for vectors of size d with values of size e; to be called once by a kernel, after `setRuns`. */
export function setFeatures(e: i32, backward: bool): void {
  const rows = max(monomials, d + 1);
  values = take(rows * STRIDE);
  factor = take(STRIDE);
  phi = take((mostFeatures() + ROWS) * STRIDE);
  panels = take(padded(e, COLUMNS) * max(TOKENS, mostFeatures()));
  if (!backward) return;
  gradients = take(rows * STRIDE);
  ofTokens = take(TOKENS * e);
  ofState = take((mostFeatures() + ROWS) * min(e, BLOCK_K));
}

/** Takes a block of `rows` vectors [rows, d]; there is room for as many as TOKENS. */
export function setTokens(x: usize, rows: i32): void {
  const all = padded(rows, 8);
  used = <usize>all << 2;
  memory.fill(x + (<usize>(rows * d) << 2), 0, <usize>((all - rows) * d) << 2);
  for (let t: usize = 0; t < used; t += 4) store<f32>(values + t, 1);
  transpose(all, d, x, <usize>d << 2, values + ROW, ROW);
  let prefix = 1;
  let out = values + <usize>(1 + d) * ROW;
  for (let r = 2; r < p; r++) {
    const count = load<i32>(counts + (<usize>(r - 1) << 2));
    for (let j = prefix; j < prefix + count; j++) {
      for (let t = last(j); t < d; t++, out += ROW) multiplyRow(values + <usize>j * ROW, coordinate(t), out);
    }
    prefix += count;
  }
}

@inline
function last(monomial: i32): i32 {
  return load<i32>(lasts + (<usize>monomial << 2));
}

@inline
function coordinate(t: i32): usize {
  return values + <usize>(t + 1) * ROW;
}

@inline
function multiplyRow(a: usize, b: usize, out: usize): void {
  for (let t: usize = 0; t < used; t += 32) {
    const even = f32x4.mul(v128.load(a + t), v128.load(b + t));
    const odd = f32x4.mul(v128.load(a + t, 16), v128.load(b + t, 16));
    v128.store(out + t, even);
    v128.store(out + t, odd, 16);
  }
}

@inline
function scaleRow(a: usize, by: f32, out: usize): void {
  const factors = f32x4.splat(by);
  for (let t: usize = 0; t < used; t += 32) {
    const even = f32x4.mul(v128.load(a + t), factors);
    const odd = f32x4.mul(v128.load(a + t, 16), factors);
    v128.store(out + t, even);
    v128.store(out + t, odd, 16);
  }
}

/** Features of the prefixes from … to − 1. */
export function countFeatures(from: i32, to: i32): i32 {
  let count = 0;
  for (let j = from; j < to; j++) count += d - last(firstPrefix + j);
  return count;
}

/** Where a block of prefixes ends that begins at `from`. */
export function prefixEnd(from: i32): i32 {
  let count = 0;
  for (let j = from; j < prefixes; j++) {
    count += d - last(firstPrefix + j);
    if (count > mostFeatures()) return j;
  }
  return prefixes;
}

/** φ of the prefixes from … to − 1. */
export function embed(from: i32, to: i32): void {
  let out = phi;
  for (let j = from; j < to; j++) {
    const prefix = values + <usize>(firstPrefix + j) * ROW;
    const t = last(firstPrefix + j);
    scaleRow(prefix, load<f32>(first + (<usize>j << 2)), factor);
    multiplyRow(factor, coordinate(t), out);
    out += ROW;
    scaleRow(prefix, load<f32>(rest + (<usize>j << 2)), factor);
    for (let b = t + 1; b < d; b++, out += ROW) multiplyRow(factor, coordinate(b), out);
  }
}

/** Z_f += Σ_t φ_f(t)·w_t. */
export function sumFeatures(count: i32, weights: usize, Z: usize): void {
  let row = phi;
  for (let f = 0; f < count; f++, row += ROW, Z += 4) {
    let even = f32x4.splat(0);
    let odd = even;
    for (let t: usize = 0; t < used; t += 32) {
      even = madd(v128.load(row + t), v128.load(weights + t), even);
      odd = madd(v128.load(row + t, 16), v128.load(weights + t, 16), odd);
    }
    store<f32>(Z, load<f32>(Z) + sum4(f32x4.add(even, odd)));
  }
}

/** totals_t += Σ_f φ_f(t)·Z_f. */
export function weighFeatures(count: i32, Z: usize, totals: usize): void {
  const end = Z + (<usize>count << 2);
  let t: usize = 0;
  for (const whole = used & ~127; t < whole; t += 128) {
    const out = totals + t;
    let s0 = v128.load(out);
    let s1 = v128.load(out, 16);
    let s2 = v128.load(out, 32);
    let s3 = v128.load(out, 48);
    let s4 = v128.load(out, 64);
    let s5 = v128.load(out, 80);
    let s6 = v128.load(out, 96);
    let s7 = v128.load(out, 112);
    for (let z = Z, row = phi + t; z < end; z += 4, row += ROW) {
      const share = v128.load32_splat(z);
      s0 = madd(v128.load(row), share, s0);
      s1 = madd(v128.load(row, 16), share, s1);
      s2 = madd(v128.load(row, 32), share, s2);
      s3 = madd(v128.load(row, 48), share, s3);
      s4 = madd(v128.load(row, 64), share, s4);
      s5 = madd(v128.load(row, 80), share, s5);
      s6 = madd(v128.load(row, 96), share, s6);
      s7 = madd(v128.load(row, 112), share, s7);
    }
    v128.store(out, s0);
    v128.store(out, s1, 16);
    v128.store(out, s2, 32);
    v128.store(out, s3, 48);
    v128.store(out, s4, 64);
    v128.store(out, s5, 80);
    v128.store(out, s6, 96);
    v128.store(out, s7, 112);
  }
  for (; t < used; t += 16) {
    let sum = v128.load(totals + t);
    for (let z = Z, row = phi + t; z < end; z += 4, row += ROW) sum = madd(v128.load(row), v128.load32_splat(z), sum);
    v128.store(totals + t, sum);
  }
}

/** The gradients of all monomials are 0. */
export function clearGradients(): void {
  memory.fill(gradients, 0, <usize>max(monomials, d + 1) * ROW);
}

/** Keeps the other side of the features' gradient, [rows, e]. */
export function setAnswers(x: usize, strideX: i32, rows: i32, e: i32): void {
  for (let i = 0; i < e; i += BLOCK_K) {
    const depth = min(BLOCK_K, e - i);
    packColumns(rows, depth, x + (<usize>i << 2), 1, strideX, ofTokens + (<usize>(i * padded(rows, COLUMNS)) << 2));
  }
}

/** Adds to the gradients of monomials what dφ_f(t) = Σ_i S_fi·x_ti + Z_f·w_t says, x as in `setAnswers`. Overwrites φ. */
export function embedBackward(from: i32, to: i32, rows: i32, e: i32, S: usize, Z: usize, weights: usize): void {
  const columns = padded(rows, COLUMNS);
  const count = countFeatures(from, to);
  for (let i = 0; i < e; i += BLOCK_K) {
    const depth = min(BLOCK_K, e - i);
    packRows(count, depth, S + (<usize>i << 2), e, 1, ofState);
    multiplyPanels<Packed>(padded(count, ROWS), columns, depth, ofState, ofTokens + (<usize>(i * columns) << 2), phi, STRIDE, i == 0);
  }
  for (let t: usize = 0; t < used; t += 32) {
    const w0 = v128.load(weights + t);
    const w1 = v128.load(weights + t, 16);
    let row = phi + t;
    let z = Z;
    for (let j = from; j < to; j++) {
      const prefix = <usize>(firstPrefix + j) * ROW + t;
      const heavier = f32x4.splat(load<f32>(rest + (<usize>j << 2)));
      const m0 = f32x4.mul(v128.load(values + prefix), heavier);
      const m1 = f32x4.mul(v128.load(values + prefix, 16), heavier);
      // The prefix's last coordinate once more, which may be the prefix itself.
      const begin = <usize>(1 + last(firstPrefix + j)) * ROW + t;
      const lighter = f32x4.splat(load<f32>(first + (<usize>j << 2)));
      const share = v128.load32_splat(z);
      const head0 = f32x4.mul(madd(share, w0, v128.load(row)), lighter);
      const head1 = f32x4.mul(madd(share, w1, v128.load(row, 16)), lighter);
      addProduct(head0, v128.load(values + prefix), gradients + begin);
      addProduct(head1, v128.load(values + prefix, 16), gradients + begin + 16);
      let sum0 = f32x4.splat(0);
      let sum1 = sum0;
      row += ROW;
      z += 4;
      for (let x = begin + ROW, end = <usize>(1 + d) * ROW; x < end; x += ROW, row += ROW, z += 4) {
        const share = v128.load32_splat(z);
        const g0 = madd(share, w0, v128.load(row));
        const g1 = madd(share, w1, v128.load(row, 16));
        sum0 = madd(g0, v128.load(values + x), sum0);
        sum1 = madd(g1, v128.load(values + x, 16), sum1);
        const sum2 = madd(g0, m0, v128.load(gradients + x));
        const sum3 = madd(g1, m1, v128.load(gradients + x, 16));
        v128.store(gradients + x, sum2);
        v128.store(gradients + x, sum3, 16);
      }
      sum0 = madd(head0, v128.load(values + begin), f32x4.mul(sum0, heavier));
      sum1 = madd(head1, v128.load(values + begin, 16), f32x4.mul(sum1, heavier));
      v128.store(gradients + prefix, f32x4.add(v128.load(gradients + prefix), sum0));
      v128.store(gradients + prefix, f32x4.add(v128.load(gradients + prefix, 16), sum1), 16);
    }
  }
}

/** y += a·b. */
@inline
function addProduct(a: v128, b: v128, y: usize): void {
  v128.store(y, madd(a, b, v128.load(y)));
}

/** From the gradients of degree p−1 down to those of the coordinates, which go to `dx` [rows, d]. */
export function finishGradients(rows: i32, dx: usize): void {
  let begin = firstPrefix;
  for (let r = p - 1; r > 1; r--) {
    const count = load<i32>(counts + (<usize>(r - 1) << 2));
    let row = <usize>begin * ROW;
    for (let j = begin - count; j < begin; j++) {
      const prefix = <usize>j * ROW;
      for (let x = <usize>(1 + last(j)) * ROW, end = <usize>(1 + d) * ROW; x < end; x += ROW, row += ROW) {
        for (let t: usize = 0; t < used; t += 16) {
          const g = v128.load(gradients + row + t);
          addProduct(g, v128.load(values + prefix + t), gradients + x + t);
          addProduct(g, v128.load(values + x + t), gradients + prefix + t);
        }
      }
    }
    begin -= count;
  }
  transpose(d, rows, gradients + ROW, ROW, dx, <usize>d << 2);
}
