// e^x, σ(x), log(1 + x) and turns to sine and cosine, four numbers at a time, within two roundings. Constants are loaded
// from memory: V8 builds a literal vector anew each time it is needed.

import { madd } from './tile';

// Four times each: log2 e, the number that rounds by being added, ln 2 in two parts, the lower bound, and e^r from r² on.
const EXP: usize = memory.data<f32>([
  1.44269504088896341, 1.44269504088896341, 1.44269504088896341, 1.44269504088896341,
  12582912.0, 12582912.0, 12582912.0, 12582912.0,
  -0.693359375, -0.693359375, -0.693359375, -0.693359375,
  2.12194440e-4, 2.12194440e-4, 2.12194440e-4, 2.12194440e-4,
  -87.33, -87.33, -87.33, -87.33,
  1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4,
  1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3,
  8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3,
  4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2,
  1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1,
  5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1,
  1.0, 1.0, 1.0, 1.0,
], 16);

@inline
export function ones(): v128 {
  return v128.load(EXP, 176);
}

/** e^x for x up to 88; 0 below −87.33, where floats lose digits, and NaN for NaN. */
@inline
export function exp4(x: v128): v128 {
  const shifted = madd(x, v128.load(EXP), v128.load(EXP, 16));
  const n = f32x4.sub(shifted, v128.load(EXP, 16));
  const r = madd(n, v128.load(EXP, 48), madd(n, v128.load(EXP, 32), x));
  // In pairs of terms: half as many steps wait for each other as one after the other would.
  const square = f32x4.mul(r, r);
  const high = madd(v128.load(EXP, 80), r, v128.load(EXP, 96));
  const middle = madd(v128.load(EXP, 112), r, v128.load(EXP, 128));
  const low = madd(v128.load(EXP, 144), r, v128.load(EXP, 160));
  let y = madd(madd(high, square, middle), square, low);
  y = f32x4.add(madd(y, square, r), ones());
  const scale = i32x4.add(i32x4.shl(shifted, 23), ones());
  // What came of numbers below the bound, not even finite perhaps, goes here.
  return v128.andnot(f32x4.mul(y, scale), f32x4.lt(x, v128.load(EXP, 64)));
}

/** σ(x), from whichever side of 0 keeps its digits. */
@inline
export function sigmoid4(x: v128): v128 {
  const e = exp4(f32x4.neg(f32x4.abs(x)));
  const y = f32x4.div(ones(), f32x4.add(ones(), e));
  return f32x4.mul(y, v128.bitselect(e, ones(), f32x4.lt(x, f32x4.splat(0))));
}

// 2 atanh(s)/s in s²: 2/(2n+1), n = 7 … 0.
const LOG: usize = memory.data<f32>([
  0.13333333333, 0.13333333333, 0.13333333333, 0.13333333333,
  0.15384615385, 0.15384615385, 0.15384615385, 0.15384615385,
  0.18181818182, 0.18181818182, 0.18181818182, 0.18181818182,
  0.22222222222, 0.22222222222, 0.22222222222, 0.22222222222,
  0.28571428571, 0.28571428571, 0.28571428571, 0.28571428571,
  0.4, 0.4, 0.4, 0.4,
  0.66666666667, 0.66666666667, 0.66666666667, 0.66666666667,
  2.0, 2.0, 2.0, 2.0,
], 16);

/** log(1 + x) for x in [0, 1], as 2 atanh(x/(2 + x)). */
@inline
export function log1p4(x: v128): v128 {
  const s = f32x4.div(x, f32x4.add(x, v128.load(LOG, 112)));
  const z = f32x4.mul(s, s);
  const square = f32x4.mul(z, z);
  let y = madd(madd(v128.load(LOG), z, v128.load(LOG, 16)), square, madd(v128.load(LOG, 32), z, v128.load(LOG, 48)));
  y = madd(y, square, madd(v128.load(LOG, 64), z, v128.load(LOG, 80)));
  y = madd(y, square, madd(v128.load(LOG, 96), z, v128.load(LOG, 112)));
  return f32x4.mul(y, s);
}

// 4, 1/4, 2π, then sin r / r and cos r in r² for |r| ≤ π/4.
const TURN: usize = memory.data<f32>([
  4, 4, 4, 4,
  -0.25, -0.25, -0.25, -0.25,
  6.2831853072, 6.2831853072, 6.2831853072, 6.2831853072,
  -1.9515295891e-4, -1.9515295891e-4, -1.9515295891e-4, -1.9515295891e-4,
  8.3321608736e-3, 8.3321608736e-3, 8.3321608736e-3, 8.3321608736e-3,
  -1.6666654611e-1, -1.6666654611e-1, -1.6666654611e-1, -1.6666654611e-1,
  2.443315711809948e-5, 2.443315711809948e-5, 2.443315711809948e-5, 2.443315711809948e-5,
  -1.388731625493765e-3, -1.388731625493765e-3, -1.388731625493765e-3, -1.388731625493765e-3,
  4.166664568298827e-2, 4.166664568298827e-2, 4.166664568298827e-2, 4.166664568298827e-2,
  -0.5, -0.5, -0.5, -0.5,
], 16);

/** Writes cos and sin of 2π·turns, |turns| < 2^20. */
@inline
export function cosSin4(turns: v128, cosine: usize, sine: usize): void {
  const shifted = madd(turns, v128.load(TURN), v128.load(EXP, 16));
  const quarters = f32x4.sub(shifted, v128.load(EXP, 16));
  const r = f32x4.mul(madd(quarters, v128.load(TURN, 16), turns), v128.load(TURN, 32));
  const z = f32x4.mul(r, r);
  let s = madd(v128.load(TURN, 48), z, v128.load(TURN, 64));
  s = madd(s, z, v128.load(TURN, 80));
  s = madd(f32x4.mul(s, z), r, r);
  let c = madd(v128.load(TURN, 96), z, v128.load(TURN, 112));
  c = madd(c, z, v128.load(TURN, 128));
  c = madd(c, z, v128.load(TURN, 144));
  c = madd(c, z, ones());
  // The low bits of the shifted number count quarter turns: odd ones swap the two, the second bit turns the sign.
  const odd = i32x4.shr_s(i32x4.shl(shifted, 31), 31);
  const signSine = i32x4.shl(i32x4.shr_u(i32x4.shl(shifted, 30), 31), 31);
  const signCosine = v128.xor(signSine, i32x4.shl(shifted, 31));
  v128.store(cosine, v128.xor(v128.bitselect(s, c, odd), signCosine));
  v128.store(sine, v128.xor(v128.bitselect(c, s, odd), signSine));
}

@inline
export function sum4(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

@inline
export function max4(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** x^p for a whole p ≥ 0. */
@inline
export function power4(x: v128, p: i32): v128 {
  if (p == 2) return f32x4.mul(x, x);
  if (p == 1) return x;
  return anyPower4(x, p);
}

function anyPower4(x: v128, p: i32): v128 {
  let result = ones();
  for (; p > 0; p >>= 1, x = f32x4.mul(x, x)) if (p & 1) result = f32x4.mul(result, x);
  return result;
}

export function power(x: f32, p: i32): f32 {
  return f32x4.extract_lane(power4(f32x4.splat(x), p), 0);
}
