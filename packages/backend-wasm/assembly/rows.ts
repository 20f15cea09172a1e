// Kernels over rows: sums and copies of rows, norms, lookup, cross-entropy.

import { corner, rewind, take } from './arena';
import { log } from './doubles';
import { exp4, max4, sum4 } from './functions';
import { widenRow } from './halves';
import { addTo } from './product';
import { madd } from './tile';

export function broadcastRows(rows: i32, n: i32, x: usize, y: usize): void {
  for (let r = 0; r < rows; r++) memory.copy(y + ((<usize>r * n) << 2), x, <usize>n << 2);
}

/** Sums of many rows go through sums of 64, so that they lose no more digits than short ones. */
const GROUP: i32 = 64;

export function sumRows(rows: i32, n: i32, x: usize, scale: f32, y: usize): void {
  rewind();
  const part = take(n);
  memory.fill(y, 0, <usize>n << 2);
  for (let begin = 0; begin < rows; begin += GROUP) {
    memory.fill(part, 0, <usize>n << 2);
    for (let r = begin; r < min(rows, begin + GROUP); r++) addTo(n, part, x + ((<usize>r * n) << 2));
    addTo(n, y, part);
  }
  if (scale != 1) for (let i: usize = 0; i < <usize>n << 2; i += 4) store<f32>(y + i, scale * load<f32>(y + i));
}

// In doubles: rows of two or three numbers, which no vector holds, have gradients that all but cancel.
let mean: f64 = 0;
let inverse: f64 = 0;
/** Numbers of the row that vectors of floats may take: none where it is so far from 0 that the rounding of its mean would show. */
let inVectors: i32 = 0;
const FAR: f64 = 4;

/** Mean (0 for RMS) and 1/√(variance + eps) of one row. */
function statistics(x: usize, n: i32, eps: f64, centred: bool): void {
  const whole = <usize>(n & ~3) << 2;
  const bytes = <usize>n << 2;
  let average: f64 = 0;
  if (centred) {
    let even = f32x4.splat(0);
    let odd = f32x4.splat(0);
    let i: usize = 0;
    for (; i + 16 < whole; i += 32) {
      even = f32x4.add(even, v128.load(x + i));
      odd = f32x4.add(odd, v128.load(x + i, 16));
    }
    if (i < whole) {
      even = f32x4.add(even, v128.load(x + i));
      i += 16;
    }
    average = <f64>sum4(f32x4.add(even, odd));
    for (; i < bytes; i += 4) average += <f64>load<f32>(x + i);
    average /= <f64>n;
  }
  mean = average;
  const middle = f32x4.splat(<f32>mean);
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  let i: usize = 0;
  for (; i + 16 < whole; i += 32) {
    const first = f32x4.sub(v128.load(x + i), middle);
    const second = f32x4.sub(v128.load(x + i, 16), middle);
    even = madd(first, first, even);
    odd = madd(second, second, odd);
  }
  if (i < whole) {
    const first = f32x4.sub(v128.load(x + i), middle);
    even = madd(first, first, even);
    i += 16;
  }
  let square = <f64>sum4(f32x4.add(even, odd));
  for (; i < bytes; i += 4) {
    const d = <f64>load<f32>(x + i) - mean;
    square += d * d;
  }
  inverse = 1 / Math.sqrt(square / <f64>n + eps);
  inVectors = n & ~3;
  // Squares of numbers from 10^19 on are beyond the range of a float.
  if (square == Infinity || Math.abs(mean) * inverse > FAR) exactStatistics(x, n, eps, centred);
}

function exactStatistics(x: usize, n: i32, eps: f64, centred: bool): void {
  const bytes = <usize>n << 2;
  let sum: f64 = 0;
  if (centred) for (let i: usize = 0; i < bytes; i += 4) sum += <f64>load<f32>(x + i);
  mean = sum / <f64>n;
  let square: f64 = 0;
  for (let i: usize = 0; i < bytes; i += 4) {
    const d = <f64>load<f32>(x + i) - mean;
    square += d * d;
  }
  inverse = 1 / Math.sqrt(square / <f64>n + eps);
  if (Math.abs(mean) * inverse > FAR) inVectors = 0;
}

export function norm(from: i32, to: i32, n: i32, x: usize, weight: usize, bias: usize, eps: f64, centred: bool, y: usize): void {
  for (let row = from; row < to; row++) {
    const at = (<usize>row * n) << 2;
    statistics(x + at, n, eps, centred);
    const whole = <usize>inVectors << 2;
    const middle = f32x4.splat(<f32>mean);
    const scale = f32x4.splat(<f32>inverse);
    let i: usize = 0;
    for (; i < whole; i += 16) {
      let value = f32x4.mul(f32x4.sub(v128.load(x + at + i), middle), scale);
      if (weight) value = f32x4.mul(value, v128.load(weight + i));
      if (bias) value = f32x4.add(value, v128.load(bias + i));
      v128.store(y + at + i, value);
    }
    for (; i < <usize>n << 2; i += 4) {
      let value = (<f64>load<f32>(x + at + i) - mean) * inverse;
      if (weight) value *= <f64>load<f32>(weight + i);
      if (bias) value += <f64>load<f32>(bias + i);
      store<f32>(y + at + i, <f32>value);
    }
  }
}

/** Groups of 64 rows from … to: dx, and each group's share of dweight and dbias into row `group` of `parts` [groups, 2, n]. */
export function normBackward(
  from: i32, to: i32, rows: i32, n: i32, x: usize, weight: usize, dy: usize, eps: f64, centred: bool, dx: usize, parts: usize,
): void {
  const bytes = <usize>n << 2;
  for (let group = from; group < to; group++) {
    const dweight = parts + (<usize>group * bytes << 1);
    const dbias = dweight + bytes;
    memory.fill(dweight, 0, bytes << 1);
    for (let row = group * GROUP; row < min(rows, (group + 1) * GROUP); row++) {
      const at = <usize>row * bytes;
      statistics(x + at, n, eps, centred);
      const whole = <usize>inVectors << 2;
      const middle = f32x4.splat(<f32>mean);
      const scale = f32x4.splat(<f32>inverse);
      let sums = f32x4.splat(0);
      let alongs = f32x4.splat(0);
      let i: usize = 0;
      for (; i < whole; i += 16) {
        const hat = f32x4.mul(f32x4.sub(v128.load(x + at + i), middle), scale);
        const d = v128.load(dy + at + i);
        const g = weight ? f32x4.mul(d, v128.load(weight + i)) : d;
        sums = f32x4.add(sums, g);
        alongs = madd(g, hat, alongs);
        v128.store(dweight + i, madd(d, hat, v128.load(dweight + i)));
        v128.store(dbias + i, f32x4.add(d, v128.load(dbias + i)));
      }
      let sum = <f64>sum4(sums);
      let along = <f64>sum4(alongs);
      for (; i < bytes; i += 4) {
        const hat = (<f64>load<f32>(x + at + i) - mean) * inverse;
        const d = load<f32>(dy + at + i);
        const g = weight ? <f64>d * <f64>load<f32>(weight + i) : <f64>d;
        sum += g;
        along += g * hat;
        store<f32>(dweight + i, load<f32>(dweight + i) + d * <f32>hat);
        store<f32>(dbias + i, load<f32>(dbias + i) + d);
      }
      const offset = centred ? sum / <f64>n : 0;
      const slope = along / <f64>n;
      const offsets = f32x4.splat(<f32>offset);
      const slopes = f32x4.splat(<f32>slope);
      for (i = 0; i < whole; i += 16) {
        const hat = f32x4.mul(f32x4.sub(v128.load(x + at + i), middle), scale);
        let g = v128.load(dy + at + i);
        if (weight) g = f32x4.mul(g, v128.load(weight + i));
        v128.store(dx + at + i, f32x4.mul(scale, f32x4.sub(f32x4.sub(g, offsets), f32x4.mul(hat, slopes))));
      }
      for (; i < bytes; i += 4) {
        const hat = (<f64>load<f32>(x + at + i) - mean) * inverse;
        let g = <f64>load<f32>(dy + at + i);
        if (weight) g *= <f64>load<f32>(weight + i);
        store<f32>(dx + at + i, <f32>(inverse * (g - offset - hat * slope)));
      }
    }
  }
}

/** y [n] = Σ of `groups` rows that stand 2n apart. */
export function sumParts(groups: i32, n: i32, parts: usize, y: usize): void {
  memory.fill(y, 0, <usize>n << 2);
  for (let group = 0; group < groups; group++) addTo(n, y, parts + ((<usize>group * n) << 3));
}

function lookUp<B>(rows: i32, n: i32, count: i32, ids: usize, weight: usize, y: usize): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++) {
    const id = load<i32>(ids + (<usize>row << 2));
    const out = y + <usize>row * bytes;
    if (<u32>id < <u32>count) {
      const from = weight + <usize>id * n * sizeof<B>();
      if (isFloat<B>()) memory.copy(out, from, bytes);
      else widenRow<B>(n, from, out);
    } else for (let i: usize = 0; i < bytes; i += 4) store<f32>(out + i, NaN);
  }
}

export function embed(rows: i32, n: i32, count: i32, ids: usize, weight: usize, y: usize): void {
  lookUp<f32>(rows, n, count, ids, weight, y);
}

export function embedFloat16(rows: i32, n: i32, count: i32, ids: usize, weight: usize, y: usize): void {
  lookUp<u16>(rows, n, count, ids, weight, y);
}

export function embedBfloat16(rows: i32, n: i32, count: i32, ids: usize, weight: usize, y: usize): void {
  lookUp<i16>(rows, n, count, ids, weight, y);
}

export function embedBackward(rows: i32, n: i32, count: i32, ids: usize, dy: usize, dweight: usize): void {
  const bytes = <usize>n << 2;
  memory.fill(dweight, 0, <usize>count * bytes);
  for (let row = 0; row < rows; row++) {
    const id = load<i32>(ids + (<usize>row << 2));
    if (<u32>id < <u32>count) addTo(n, dweight + <usize>id * bytes, dy + <usize>row * bytes);
  }
}

/** y·factor for a row. */
export function scaleRow(y: usize, n: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  let i: usize = 0;
  for (const whole = <usize>(n & ~3) << 2; i < whole; i += 16) v128.store(y + i, f32x4.mul(v128.load(y + i), factors));
  for (; i < <usize>n << 2; i += 4) store<f32>(y + i, load<f32>(y + i) * factor);
}

/** Largest of n ≥ 1 numbers. */
export function largest(n: i32, x: usize): f32 {
  let i = 0;
  let top: f32 = -Infinity;
  if (n >= 4) {
    let most = v128.load(x);
    for (i = 4; i + 4 <= n; i += 4) most = f32x4.pmax(most, v128.load(x + (<usize>i << 2)));
    top = max4(most);
  }
  for (; i < n; i++) top = max(top, load<f32>(x + (<usize>i << 2)));
  return top;
}

/** e^{(x − shift)·slope} for n numbers, into `y` where there is one; returns the sum. */
export function exponentials(n: i32, x: usize, shift: f32, slope: f32, y: usize): f32 {
  const shifts = f32x4.splat(shift);
  const slopes = f32x4.splat(slope);
  let sums = f32x4.splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const at = <usize>i << 2;
    const left = exp4(f32x4.mul(f32x4.sub(v128.load(x + at), shifts), slopes));
    const right = exp4(f32x4.mul(f32x4.sub(v128.load(x + at, 16), shifts), slopes));
    if (y) {
      v128.store(y + at, left);
      v128.store(y + at, right, 16);
    }
    sums = f32x4.add(sums, f32x4.add(left, right));
  }
  for (; i < n; i += 4) {
    const count = min(4, n - i);
    const at = <usize>i << 2;
    v128.store(corner, f32x4.splat(-Infinity));
    memory.copy(corner, x + at, <usize>count << 2);
    v128.store(corner, exp4(f32x4.mul(f32x4.sub(v128.load(corner), shifts), slopes)));
    if (y) memory.copy(y + at, corner, <usize>count << 2);
    sums = f32x4.add(sums, v128.load(corner));
  }
  return sum4(sums);
}

export function crossEntropy(from: i32, to: i32, n: i32, logits: usize, targets: usize, loss: usize): void {
  for (let row = from; row < to; row++) {
    const target = load<i32>(targets + (<usize>row << 2));
    const x = logits + ((<usize>row * n) << 2);
    let value: f64 = 0;
    if (target >= n) {
      value = NaN;
    } else if (target >= 0) {
      const top = largest(n, x);
      value = log(<f64>exponentials(n, x, top, 1, 0)) + (<f64>top - <f64>load<f32>(x + (<usize>target << 2)));
    }
    store<f32>(loss + (<usize>row << 2), <f32>value);
  }
}

export function crossEntropyBackward(from: i32, to: i32, n: i32, logits: usize, targets: usize, dloss: usize, dlogits: usize): void {
  for (let row = from; row < to; row++) {
    const target = load<i32>(targets + (<usize>row << 2));
    const x = logits + ((<usize>row * n) << 2);
    const dx = dlogits + ((<usize>row * n) << 2);
    if (target < 0) {
      memory.fill(dx, 0, <usize>n << 2);
      continue;
    }
    if (target >= n) {
      for (let i = 0; i < n; i++) store<f32>(dx + (<usize>i << 2), NaN);
      continue;
    }
    const top = largest(n, x);
    const gradient = load<f32>(dloss + (<usize>row << 2));
    scaleRow(dx, n, gradient / exponentials(n, x, top, 1, dx));
    const at = dx + (<usize>target << 2);
    store<f32>(at, load<f32>(at) - gradient);
  }
}
