// φ of one vector and its gradient in doubles, for the bare step: its answer is a sum of D signed terms that all but cancel
// while few tokens are in the state. The table is that of embedding.ts.

import { take } from './arena';

let p: i32 = 0;
let d: i32 = 0;
let counts: usize = 0;
let lasts: usize = 0;
let first: usize = 0;
let rest: usize = 0;
let monomials: usize = 0;
let gradients: usize = 0;
/** The vector and its gradient. */
let vector: usize = 0;
let dVector: usize = 0;

@inline
function at(x: usize, i: i32): usize {
  return x + (<usize>i << 3);
}

/** Takes work space; to be called once by a kernel, after `rewind`. */
export function setPreciseRuns(table: usize, power: i32, headSize: i32): void {
  p = power;
  d = headSize;
  counts = table;
  lasts = table + (<usize>p << 2);
  let total = 0;
  let prefixes = 0;
  for (let r = 0; r < p; r++) {
    prefixes = load<i32>(counts + (<usize>r << 2));
    total += prefixes;
  }
  first = lasts + (<usize>(total + 2 * prefixes) << 2);
  rest = at(first, prefixes);
  monomials = take(2 * total);
  gradients = take(2 * total);
  vector = take(2 * d);
  dVector = take(2 * d);
  store<f64>(monomials, 1);
}

@inline
function lastOf(j: i32): i32 {
  return load<i32>(lasts + (<usize>j << 2));
}

/** φ(x·scale) into `phi` [D] of doubles. */
export function embedPrecisely(x: usize, scale: f64, phi: usize): void {
  for (let i = 0; i < d; i++) store<f64>(at(vector, i), <f64>load<f32>(x + (<usize>i << 2)) * scale);
  let prefix = 0;
  for (let r = 1; r < p; r++) {
    const count = load<i32>(counts + (<usize>(r - 1) << 2));
    let out = at(monomials, prefix + count);
    for (let j = prefix; j < prefix + count; j++) {
      const factor = load<f64>(at(monomials, j));
      for (let t = lastOf(j); t < d; t++, out += 8) store<f64>(out, factor * load<f64>(at(vector, t)));
    }
    prefix += count;
  }
  const count = load<i32>(counts + (<usize>(p - 1) << 2));
  for (let j = 0; j < count; j++) {
    const value = load<f64>(at(monomials, prefix + j));
    let t = lastOf(prefix + j);
    store<f64>(phi, value * load<f64>(at(first, j)) * load<f64>(at(vector, t++)));
    phi += 8;
    const factor = value * load<f64>(at(rest, j));
    for (; t < d; t++, phi += 8) store<f64>(phi, factor * load<f64>(at(vector, t)));
  }
}

/** dx [d] of floats, times `scale`, from dφ [D] of doubles, at the vector that was embedded last. */
export function embedPreciselyBackward(dphi: usize, dx: usize, scale: f64): void {
  let begin = 0;
  for (let r = 0; r < p - 1; r++) begin += load<i32>(counts + (<usize>r << 2));
  const count = load<i32>(counts + (<usize>(p - 1) << 2));
  memory.fill(dVector, 0, <usize>d << 3);
  for (let j = 0; j < count; j++) {
    const value = load<f64>(at(monomials, begin + j));
    const heavier = load<f64>(at(rest, j));
    let t = lastOf(begin + j);
    const head = load<f64>(dphi) * load<f64>(at(first, j));
    dphi += 8;
    gain(t, head * value);
    let sum = head * load<f64>(at(vector, t++));
    for (; t < d; t++, dphi += 8) {
      const g = load<f64>(dphi) * heavier;
      sum += g * load<f64>(at(vector, t));
      gain(t, g * value);
    }
    store<f64>(at(gradients, begin + j), sum);
  }
  for (let r = p - 1; r > 0; r--) {
    const above = load<i32>(counts + (<usize>(r - 1) << 2));
    let g = at(gradients, begin);
    for (let j = begin - above; j < begin; j++) {
      let sum: f64 = 0;
      const value = load<f64>(at(monomials, j));
      for (let t = lastOf(j); t < d; t++, g += 8) {
        sum += load<f64>(g) * load<f64>(at(vector, t));
        gain(t, load<f64>(g) * value);
      }
      store<f64>(at(gradients, j), sum);
    }
    begin -= above;
  }
  for (let i = 0; i < d; i++) store<f32>(dx + (<usize>i << 2), <f32>(load<f64>(at(dVector, i)) * scale));
}

@inline
function gain(t: i32, by: f64): void {
  store<f64>(at(dVector, t), load<f64>(at(dVector, t)) + by);
}
