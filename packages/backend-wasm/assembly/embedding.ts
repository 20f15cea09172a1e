// φ of rows and its gradient, after the runs of @sympow/embedding: a prefix of degree p−1 times the coordinates from its
// last one on. The table is [p sizes of degrees 0 … p−1, their last coordinates, `first`, `rest`].

import { take } from './arena';
import { sum4 } from './functions';
import { madd } from './tile';

let p: i32 = 0;
let d: i32 = 0;
let counts: usize = 0;
let lasts: usize = 0;
let first: usize = 0;
let rest: usize = 0;
/** Monomials of degrees 0 … p−1 of the row at hand, and their gradients, where `lasts` has their coordinates. */
let monomials: usize = 0;
let gradients: usize = 0;
let prefixes: i32 = 0;

/** Takes work space; to be called once by a kernel, after `rewind`. */
export function setRuns(table: usize, power: i32, headSize: i32): void {
  p = power;
  d = headSize;
  counts = table;
  lasts = table + (<usize>p << 2);
  let total = 0;
  for (let r = 0; r < p; r++) {
    prefixes = load<i32>(counts + (<usize>r << 2));
    total += prefixes;
  }
  first = lasts + (<usize>total << 2);
  rest = first + (<usize>prefixes << 2);
  monomials = take(total + 4);
  gradients = take(total + 4);
  store<f32>(monomials, 1);
}

/** Monomials of degrees 1 … p−1; returns where those of degree p−1 begin, in elements. */
function raise(x: usize): i32 {
  let prefix = 0;
  for (let r = 1; r < p; r++) {
    const count = load<i32>(counts + (<usize>(r - 1) << 2));
    let out = monomials + (<usize>(prefix + count) << 2);
    for (let j = prefix; j < prefix + count; j++) {
      const factor = load<f32>(monomials + (<usize>j << 2));
      for (let t = load<i32>(lasts + (<usize>j << 2)); t < d; t++, out += 4) store<f32>(out, factor * load<f32>(x + (<usize>t << 2)));
    }
    prefix += count;
  }
  return prefix;
}

/** φ of `rows` vectors [rows, d] into [rows, D]. Writes up to 3 numbers beyond the end; reads as far beyond x. */
export function embedRows(x: usize, rows: i32, phi: usize): void {
  for (let row = 0; row < rows; row++, x += <usize>d << 2) {
    const begin = p == 2 ? 0 : raise(x);
    const prefix = p == 2 ? x : monomials + (<usize>begin << 2);
    const starts = lasts + (<usize>(p == 2 ? 1 : begin) << 2);
    for (let j: usize = 0; j < <usize>prefixes << 2; j += 4) {
      const t = load<i32>(starts + j);
      const value = load<f32>(prefix + j);
      const factor = f32x4.splat(value * load<f32>(rest + j));
      const run = <usize>(d - t) << 2;
      const from = x + (<usize>t << 2);
      for (let i: usize = 0; i < run; i += 16) v128.store(phi + i, f32x4.mul(factor, v128.load(from + i)));
      store<f32>(phi, value * load<f32>(first + j) * load<f32>(from));
      phi += run;
    }
  }
}

/** dx [rows, d] from dφ [rows, D]. */
export function embedRowsBackward(x: usize, dphi: usize, rows: i32, dx: usize): void {
  for (let row = 0; row < rows; row++, x += <usize>d << 2, dx += <usize>d << 2) {
    const begin = raise(x);
    memory.fill(dx, 0, <usize>d << 2);
    for (let j = begin; j < begin + prefixes; j++) {
      const value = load<f32>(monomials + (<usize>j << 2));
      const heavier = load<f32>(rest + (<usize>(j - begin) << 2));
      const head = load<f32>(dphi) * load<f32>(first + (<usize>(j - begin) << 2));
      const at = <usize>load<i32>(lasts + (<usize>j << 2)) << 2;
      store<f32>(dx + at, load<f32>(dx + at) + head * value);
      const sum = lowerRun(x + at + 4, dphi + 4, d - 1 - <i32>(at >> 2), dx + at + 4, value * heavier);
      store<f32>(gradients + (<usize>j << 2), head * load<f32>(x + at) + sum * heavier);
      dphi += (<usize>d << 2) - at;
    }
    lower(begin, x, dx);
  }
}

/** dx += g·factor along a run; returns Σ g·x. */
@inline
function lowerRun(x: usize, g: usize, count: i32, dx: usize, factor: f32): f32 {
  let sums = f32x4.splat(0);
  const factors = f32x4.splat(factor);
  let i: usize = 0;
  for (const whole = <usize>(count & ~3) << 2; i < whole; i += 16) {
    const value = v128.load(g + i);
    sums = madd(value, v128.load(x + i), sums);
    v128.store(dx + i, madd(value, factors, v128.load(dx + i)));
  }
  let sum = sum4(sums);
  for (; i < <usize>count << 2; i += 4) {
    const value = load<f32>(g + i);
    sum += value * load<f32>(x + i);
    store<f32>(dx + i, load<f32>(dx + i) + value * factor);
  }
  return sum;
}

/** From the gradients of degree p−1 down to dx. */
function lower(begin: i32, x: usize, dx: usize): void {
  for (let r = p - 1; r > 0; r--) {
    const count = load<i32>(counts + (<usize>(r - 1) << 2));
    const prefix = begin - count;
    let g = gradients + (<usize>begin << 2);
    for (let j = prefix; j < begin; j++) {
      const at = <usize>load<i32>(lasts + (<usize>j << 2)) << 2;
      const run = d - <i32>(at >> 2);
      store<f32>(gradients + (<usize>j << 2), lowerRun(x + at, g, run, dx + at, load<f32>(monomials + (<usize>j << 2))));
      g += <usize>run << 2;
    }
    begin = prefix;
  }
}

/** Rows whose features are held at once: enough for a good product, few enough for the cache. */
export function rowsAtOnce(D: i32): i32 {
  return max(4, min(120, 262144 / D));
}
