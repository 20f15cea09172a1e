// Decay factors e^{A_i − A_j} of one key/value head, split over keys and queries so that scores stay plain products.
//
// With scalar gates a score carries the p-th root of the decay on both its vectors; with vector gates each dimension has its
// own. The reference of a block is never later than its first query, and blocks are cut where the decay inside them gets
// steep, so that no factor leaves the range of a float.

import { exp } from './doubles';
import { exp4 } from './functions';

/** Steepest decay inside a block, as an exponent. */
const STEEPEST: f32 = 20;
export const BLOCK_ROWS: i32 = 64;

let head: usize = 0;
let tail: usize = 0;
let start: usize = 0;
let step: usize = 0;
let plane: usize = 0;
let allHeads: usize = 0;
let allStarts: usize = 0;
let length: i32 = 0;
let heads: i32 = 0;
/** Gates per token and head: 0 without gates, 1, or d. */
export let width: i32 = 0;
export let exponent: f32 = 1;

/** `A` [2, B, T, G(, d)] and `starts` of a whole call; `gateWidth` is 0 without gates, d, or −1 for one gate that all dimensions share. */
export function setGates(A: usize, starts: usize, gateWidth: i32, B: i32, T: i32, G: i32, p: i32): void {
  width = abs(gateWidth);
  allHeads = A;
  allStarts = starts;
  length = T;
  heads = G;
  plane = <usize>(B * T * G * width) << 2;
  step = <usize>(G * width) << 2;
  exponent = gateWidth < 0 ? <f32>(1 / <f64>p) : 1;
}

/** The head that the functions below are about. */
export function selectHead(b: i32, g: i32): void {
  const base = <usize>((b * length * heads + g) * width) << 2;
  head = allHeads + base;
  tail = head + plane;
  start = allStarts + base;
}

/** The first token that `t` sees in any dimension, at least `from`. */
export function firstSeen(t: i32, from: i32): i32 {
  if (width == 0) return from;
  let first = i32.MAX_VALUE;
  for (let i = 0; i < width; i++) first = min(first, load<i32>(start + <usize>t * step + (<usize>i << 2)));
  return max(from, first);
}

/** End of the block of queries that begins at `t`: no reset inside, no steep decay, at most 64 rows. */
export function blockEnd(t: i32, last: i32): i32 {
  const end = min(last, t + BLOCK_ROWS);
  const first = <usize>t * step;
  for (let row = t + 1; row < end; row++) {
    const at = <usize>row * step;
    for (let i: usize = 0; i < <usize>width << 2; i += 4) {
      if (load<i32>(start + at + i) != load<i32>(start + first + i)) return row;
      // NaN too: the rows before it do not share a block with it.
      if (!((load<f32>(head + first + i) - load<f32>(head + at + i)) * exponent <= STEEPEST)) return row;
    }
  }
  return end;
}

/** The first token of [begin, end) that sees nothing of what was before `begin`, and so do all after it. */
export function stateEnd(begin: i32, end: i32): i32 {
  let t = begin;
  while (t < end && (width == 0 || firstSeen(t, -1) < begin)) t++;
  return t;
}

// Four gates for the vector loop: consecutive dimensions, or the same gate of four tokens.
@inline
function gather(x: usize): v128 {
  let value = v128.load32_zero(x);
  value = v128.load_lane<f32>(x + step, value, 1);
  value = v128.load_lane<f32>(x + 2 * step, value, 2);
  return v128.load_lane<f32>(x + 3 * step, value, 3);
}

/** e^{±(A_reference − A_j)}; 0 where `reset` and the reference does not see j. */
@inline
function factor(j: i32, i: i32, reference: i32, sign: f32, reset: bool): f32 {
  const at = <usize>j * step + (<usize>i << 2);
  const to = <usize>reference * step + (<usize>i << 2);
  if (reset && j < load<i32>(start + to)) return 0;
  const difference = load<f32>(head + to) - load<f32>(head + at) + (load<f32>(tail + to) - load<f32>(tail + at));
  return f32x4.extract_lane(exp4(f32x4.splat(difference * exponent * sign)), 0);
}

function fill(out: usize, from: i32, to: i32, reference: i32, sign: f32, reset: bool): void {
  let j = from;
  if (width == 1) {
    const at = <usize>reference * step;
    const heads4 = f32x4.splat(load<f32>(head + at));
    const tails4 = f32x4.splat(load<f32>(tail + at));
    const scale = f32x4.splat(exponent * sign);
    const first = i32x4.splat(load<i32>(start + at));
    for (; j + 4 <= to; j += 4, out += 16) {
      const x = <usize>j * step;
      const difference = f32x4.add(f32x4.sub(heads4, gather(head + x)), f32x4.sub(tails4, gather(tail + x)));
      const value = exp4(f32x4.mul(difference, scale));
      const tokens = i32x4.add(i32x4.splat(j), i32x4(0, 1, 2, 3));
      v128.store(out, reset ? v128.andnot(value, i32x4.lt_s(tokens, first)) : value);
    }
  }
  for (; j < to; j++) for (let i = 0; i < width; i++, out += 4) store<f32>(out, factor(j, i, reference, sign, reset));
}

/** out[j − from, :] = e^{A_reference − A_j}, to the exponent of the gates; 0 where the reference does not see j. */
export function keyFactors(out: usize, from: i32, to: i32, reference: i32): void {
  fill(out, from, to, reference, 1, true);
}

/** out[t − from, :] = e^{A_t − A_reference}, to the exponent of the gates. */
export function queryFactors(out: usize, from: i32, to: i32, reference: i32): void {
  fill(out, from, to, reference, -1, false);
}

/** out[t − from, :] = e^{A_t}, to the exponent of the gates: what is left of the state before the chunk at `begin`. */
export function stateFactors(out: usize, from: i32, to: i32, begin: i32): void {
  for (let t = from; t < to; t++) {
    for (let i = 0; i < width; i++, out += 4) {
      const at = <usize>t * step + (<usize>i << 2);
      const sum = (load<f32>(head + at) + load<f32>(tail + at)) * exponent;
      store<f32>(out, load<i32>(start + at) >= begin ? 0 : f32x4.extract_lane(exp4(f32x4.splat(sum)), 0));
    }
  }
}

/** e^{A} of a whole chunk for each of the state's D rows; `indices` [D, p] with vector gates. */
export function rowFactors(out: usize, D: i32, p: i32, begin: i32, last: i32, indices: usize): void {
  const at = <usize>last * step;
  if (!indices) {
    let value: f32 = 1;
    if (width) {
      const sum = <f64>load<f32>(head + at) + <f64>load<f32>(tail + at);
      value = load<i32>(start + at) >= begin ? 0 : <f32>exp(sum);
    }
    for (let row = 0; row < D; row++, out += 4) store<f32>(out, value);
    return;
  }
  for (let row = 0; row < D; row++, out += 4) {
    let sum: f64 = 0;
    let seen = true;
    for (let r = 0; r < p; r++, indices += 4) {
      const i = at + (<usize>load<i32>(indices) << 2);
      if (load<i32>(start + i) >= begin) seen = false;
      sum += <f64>load<f32>(head + i) + <f64>load<f32>(tail + i);
    }
    store<f32>(out, seen ? <f32>exp(sum) : 0);
  }
}

/** x·factor, 0 where the factor is, whatever x is. */
@inline
export function hiding(x: v128, factor: v128): v128 {
  return v128.and(f32x4.mul(x, factor), f32x4.ne(factor, f32x4.splat(0)));
}

/**
 * out[r, :] = x[r, :]·factor[r, :]·scale for rows that stand `stride` apart in x. Writes up to 3 numbers beyond the last row. With
 * vector gates a factor of 0 hides even what is not finite.
 */
export function scaleRows(out: usize, x: usize, stride: i32, rows: i32, d: i32, factor: usize, scale: f32): void {
  for (let r = 0; r < rows; r++, x += <usize>stride << 2, out += <usize>d << 2) {
    const common = f32x4.splat(width == 1 ? scale * load<f32>(factor + (<usize>r << 2)) : scale);
    const own = factor + (<usize>(r * d) << 2);
    let i: usize = 0;
    for (const whole = <usize>(d & ~3) << 2; i < whole; i += 16) {
      const value = f32x4.mul(v128.load(x + i), common);
      v128.store(out + i, width > 1 ? hiding(value, v128.load(own + i)) : value);
    }
    for (; i < <usize>d << 2; i += 4) {
      const value = load<f32>(x + i) * f32x4.extract_lane(common, 0);
      const by: f32 = width > 1 ? load<f32>(own + i) : 1;
      store<f32>(out + i, by == 0 ? 0 : value * by);
    }
  }
}

/**
 * Adds to `dA` [tokens, width] what a gradient `dx` of token t's vector `x` says about A_t, where the vector was used as
 * x·e^{±A}: `sign` is +1 for queries and −1 for keys.
 */
export function addGradient(dA: usize, t: i32, d: i32, x: usize, dx: usize, sign: f32): void {
  const at = dA + (<usize>(t * width) << 2);
  if (width > 1) {
    for (let i: usize = 0; i < <usize>d << 2; i += 4) store<f32>(at + i, load<f32>(at + i) + sign * load<f32>(x + i) * load<f32>(dx + i));
    return;
  }
  store<f32>(at, load<f32>(at) + <f32>(<f64>(sign * exponent) * preciseDot(d, x, dx)));
}

/** Σ a_i·b_i in doubles. */
function preciseDot(n: i32, a: usize, b: usize): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let i: usize = 0;
  for (const whole = <usize>(n & ~3) << 2; i < whole; i += 16) {
    const low = f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(a + i)), f64x2.promote_low_f32x4(v128.load64_zero(b + i)));
    const high = f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(a + i, 8)), f64x2.promote_low_f32x4(v128.load64_zero(b + i, 8)));
    s0 = f64x2.add(s0, low);
    s1 = f64x2.add(s1, high);
  }
  s0 = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
  for (; i < <usize>n << 2; i += 4) sum += <f64>load<f32>(a + i) * <f64>load<f32>(b + i);
  return sum;
}

/** Writes dA [to − from, width] of the selected head into the tensor [B, T, G(, d)]. */
export function storeGradient(dA: usize, from: i32, to: i32, target: usize): void {
  const out = target + (head - allHeads);
  for (let t = from; t < to; t++) memory.copy(out + <usize>t * step, dA + (<usize>((t - from) * width) << 2), <usize>width << 2);
}
