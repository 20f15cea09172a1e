// The state before every chunk and after the last: S_{n+1} = e^{A_last,n} S_n + ΔS_n. A task is one key/value head.

import { rewind, take } from './arena';
import { rowFactors, selectHead, setGates, width } from './decay';
import { sum4 } from './functions';
import { madd } from './tile';

/** out = x·factor + y row by row; a factor of 0 forgets even what is not finite. `x` and `y` may be `out`. */
export function decayRows(rows: i32, e: i32, factor: usize, x: usize, y: usize, out: usize): void {
  for (let r = 0; r < rows; r++) {
    const f = load<f32>(factor + (<usize>r << 2));
    if (f == 0) memory.copy(out, y, <usize>e << 2);
    else {
      const factors = f32x4.splat(f);
      let i: usize = 0;
      for (const whole = <usize>(e & ~3) << 2; i < whole; i += 16) v128.store(out + i, madd(v128.load(x + i), factors, v128.load(y + i)));
      for (; i < <usize>e << 2; i += 4) store<f32>(out + i, load<f32>(x + i) * f + load<f32>(y + i));
    }
    x += <usize>e << 2;
    y += <usize>e << 2;
    out += <usize>e << 2;
  }
}

/** A copy, or zeros where there is nothing to copy. */
function assign(to: usize, from: usize, at: usize, bytes: usize): void {
  if (from) memory.copy(to, from + at, bytes);
  else memory.fill(to, 0, bytes);
}

export function discountedSum(
  begin: i32, end: i32, B: i32, T: i32, G: i32, e: i32, p: i32, chunk: i32, D: i32, indices: usize,
  A: usize, starts: usize, gateWidth: i32, deltaS: usize, deltaZ: usize, S0: usize, Z0: usize,
  S: usize, Z: usize, SLast: usize, ZLast: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  const chunks = (T + chunk - 1) / chunk;
  const factor = take(D);
  const bytesZ = <usize>D << 2;
  const bytesS = bytesZ * e;
  for (let task = begin; task < end; task++) {
    const g = task % G;
    const b = task / G;
    selectHead(b, g);
    if (chunks == 0) {
      assign(SLast + <usize>task * bytesS, S0, <usize>task * bytesS, bytesS);
      assign(ZLast + <usize>task * bytesZ, Z0, <usize>task * bytesZ, bytesZ);
    } else {
      assign(S + <usize>(b * chunks * G + g) * bytesS, S0, <usize>task * bytesS, bytesS);
      assign(Z + <usize>(b * chunks * G + g) * bytesZ, Z0, <usize>task * bytesZ, bytesZ);
    }
    for (let c = 0; c < chunks; c++) {
      const state = <usize>((b * chunks + c) * G + g);
      const nextS = c + 1 < chunks ? S + (state + <usize>G) * bytesS : SLast + <usize>task * bytesS;
      const nextZ = c + 1 < chunks ? Z + (state + <usize>G) * bytesZ : ZLast + <usize>task * bytesZ;
      rowFactors(factor, D, p, c * chunk, min(T, (c + 1) * chunk) - 1, indices);
      decayRows(D, e, factor, S + state * bytesS, deltaS + state * bytesS, nextS);
      decayRows(D, 1, factor, Z + state * bytesZ, deltaZ + state * bytesZ, nextZ);
    }
  }
}

export function discountedSumBackward(
  begin: i32, end: i32, B: i32, T: i32, G: i32, e: i32, p: i32, chunk: i32, D: i32, indices: usize,
  A: usize, starts: usize, gateWidth: i32, S: usize, Z: usize, dS: usize, dZ: usize, dSLast: usize, dZLast: usize,
  dDeltaS: usize, dDeltaZ: usize, dS0: usize, dZ0: usize, dA: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  const chunks = (T + chunk - 1) / chunk;
  const factor = take(D);
  const bytesZ = <usize>D << 2;
  const bytesS = bytesZ * e;
  for (let task = begin; task < end; task++) {
    const g = task % G;
    const b = task / G;
    selectHead(b, g);
    if (dA) {
      for (let t = 0; t < T; t++) memory.fill(dA + (<usize>(((b * T + t) * G + g) * width) << 2), 0, <usize>width << 2);
    }
    if (chunks == 0) {
      if (dS0) assign(dS0 + <usize>task * bytesS, dSLast, <usize>task * bytesS, bytesS);
      if (dZ0) assign(dZ0 + <usize>task * bytesZ, dZLast, <usize>task * bytesZ, bytesZ);
      continue;
    }
    const final = <usize>((b * chunks + chunks - 1) * G + g);
    assign(dDeltaS + final * bytesS, dSLast, <usize>task * bytesS, bytesS);
    assign(dDeltaZ + final * bytesZ, dZLast, <usize>task * bytesZ, bytesZ);
    for (let c = chunks - 1; c >= 0; c--) {
      const state = <usize>((b * chunks + c) * G + g);
      const last = min(T, (c + 1) * chunk) - 1;
      const ofS = dDeltaS + state * bytesS;
      const ofZ = dDeltaZ + state * bytesZ;
      rowFactors(factor, D, p, c * chunk, last, indices);
      if (dA) {
        const target = dA + (<usize>(((b * T + last) * G + g) * width) << 2);
        gateGradient(D, e, p, factor, ofS, ofZ, S + state * bytesS, Z + state * bytesZ, indices, target);
      }
      if (c > 0) {
        decayRows(D, e, factor, ofS, dS + state * bytesS, dDeltaS + (state - <usize>G) * bytesS);
        decayRows(D, 1, factor, ofZ, dZ + state * bytesZ, dDeltaZ + (state - <usize>G) * bytesZ);
      } else {
        if (dS0) decayRows(D, e, factor, ofS, dS + state * bytesS, dS0 + <usize>task * bytesS);
        if (dZ0) decayRows(D, 1, factor, ofZ, dZ + state * bytesZ, dZ0 + <usize>task * bytesZ);
      }
    }
  }
}

/** Adds what the state's decay says about the gates of the chunk's last token, Σ factor·(dS·S + dZ·Z). */
function gateGradient(
  D: i32, e: i32, p: i32, factor: usize, dS: usize, dZ: usize, S: usize, Z: usize, indices: usize, target: usize,
): void {
  let total: f64 = 0;
  const bytes = <usize>e << 2;
  for (let row: usize = 0; row < <usize>D << 2; row += 4) {
    const f = load<f32>(factor + row);
    if (f != 0) {
      const along = <f64>f * (<f64>load<f32>(dZ + row) * <f64>load<f32>(Z + row) + rowDot(e, dS, S));
      if (!indices) total += along;
      else {
        for (let r = 0; r < p; r++) {
          const at = target + (<usize>load<i32>(indices + (<usize>r << 2)) << 2);
          store<f32>(at, load<f32>(at) + <f32>along);
        }
      }
    }
    dS += bytes;
    S += bytes;
    if (indices) indices += <usize>p << 2;
  }
  if (!indices) store<f32>(target, <f32>total);
}

/** Σ a·b of one row. */
export function rowDot(n: i32, a: usize, b: usize): f64 {
  let sums = f32x4.splat(0);
  let i: usize = 0;
  for (const whole = <usize>(n & ~3) << 2; i < whole; i += 16) sums = madd(v128.load(a + i), v128.load(b + i), sums);
  let sum = <f64>sum4(sums);
  for (; i < <usize>n << 2; i += 4) sum += <f64>load<f32>(a + i) * <f64>load<f32>(b + i);
  return sum;
}
