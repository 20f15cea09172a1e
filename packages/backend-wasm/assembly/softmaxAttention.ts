// Causal softmax attention with optional gates, in blocks of 64 queries: T×S scores never exist at once.

import { rewind, take } from './arena';
import { exp4, sum4 } from './functions';
import { product } from './product';
import { exponentials, largest, scaleRow } from './rows';

const BLOCK: i32 = 64;

let heads: usize = 0;
let tails: usize = 0;
let first: usize = 0;

/** Gates of one head in one piece: [S] heads, tails and starts. */
function loadGates(A: usize, starts: usize, B: i32, S: i32, G: i32, b: i32, g: i32): void {
  const plane = <usize>(B * S * G) << 2;
  for (let j = 0; j < S; j++) {
    const at = <usize>((b * S + j) * G + g) << 2;
    store<f32>(heads + (<usize>j << 2), load<f32>(A + at));
    store<f32>(tails + (<usize>j << 2), load<f32>(A + plane + at));
    store<i32>(first + (<usize>j << 2), load<i32>(starts + at));
  }
}

/**
 * Makes a row of products q·k one of scores, s_ij·scale + A_i − A_j with gates and as it is without; −∞ where i does not see
 * j and in the padding.
 */
function finishRow(s: usize, position: i32, count: i32, scale: f32, gated: bool): void {
  const bytes = <usize>count << 2;
  if (gated) {
    const scales = f32x4.splat(scale);
    const at = <usize>position << 2;
    const head = f32x4.splat(load<f32>(heads + at));
    const tail = f32x4.splat(load<f32>(tails + at));
    for (let j: usize = 0; j < bytes; j += 16) {
      const difference = f32x4.add(f32x4.sub(head, v128.load(heads + j)), f32x4.sub(tail, v128.load(tails + j)));
      v128.store(s + j, f32x4.add(f32x4.mul(v128.load(s + j), scales), difference));
    }
    const begin = <usize>max(0, load<i32>(first + at)) << 2;
    for (let j: usize = 0; j < begin; j += 4) store<f32>(s + j, -Infinity);
  }
  let j = <usize>(position + 1) << 2;
  for (; (j & 15) != 0 && j < bytes; j += 4) store<f32>(s + j, -Infinity);
  const nothing = f32x4.splat(-Infinity);
  for (; j < bytes; j += 16) v128.store(s + j, nothing);
}

export function softmaxAttention(
  begin: i32, end: i32, B: i32, T: i32, H: i32, S: i32, G: i32, d: i32, e: i32, offset: i32,
  q: usize, k: usize, v: usize, A: usize, starts: usize, y: usize, logSum: usize,
): void {
  rewind();
  const s = take(BLOCK * (S + 4));
  heads = take(S + 4);
  tails = take(S + 4);
  first = take(S + 4);
  const sums = take(BLOCK);
  const blocks = (T + BLOCK - 1) / BLOCK;
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  // Scores of gates are finished, others are products that still have to be scaled.
  const slope: f32 = A ? 1 : scale;
  let loaded = -1;
  for (let task = begin; task < end; task++) {
    const row = (task % blocks) * BLOCK;
    const h = (task / blocks) % H;
    const b = task / (blocks * H);
    const g = h / (H / G);
    if (A && loaded != b * G + g) {
      loaded = b * G + g;
      loadGates(A, starts, B, S, G, b, g);
    }
    const rows = min(BLOCK, T - row);
    const columns = offset + row + rows;
    const stride = (columns + 3) & ~3;
    const token = (b * T + row) * H + h;
    product(rows, columns, d, q + (<usize>(token * d) << 2), H * d, 1, k + (<usize>((b * S * G + g) * d) << 2), 1, G * d, s, stride, false);
    for (let r = 0; r < rows; r++) {
      const line = s + (<usize>(r * stride) << 2);
      finishRow(line, offset + row + r, stride, scale, A != 0);
      const top = largest(stride, line);
      const sum = exponentials(stride, line, top, slope, line);
      store<f32>(logSum + (<usize>(token + r * H) << 2), <f32>(<f64>top * <f64>slope + Math.log(<f64>sum)));
      store<f32>(sums + (<usize>r << 2), sum);
    }
    product(rows, e, columns, s, stride, 1, v + (<usize>((b * S * G + g) * e) << 2), G * e, 1, y + (<usize>(token * e) << 2), H * e, false);
    for (let r = 0; r < rows; r++) scaleRow(y + (<usize>((token + r * H) * e) << 2), e, 1 / load<f32>(sums + (<usize>r << 2)));
  }
}

/** A task is one key/value head: its keys' gradients come from all queries. */
export function softmaxAttentionBackward(
  begin: i32, end: i32, B: i32, T: i32, H: i32, S: i32, G: i32, d: i32, e: i32, offset: i32,
  q: usize, k: usize, v: usize, A: usize, starts: usize, y: usize, logSum: usize, dy: usize,
  dq: usize, dk: usize, dv: usize, dA: usize,
): void {
  rewind();
  const s = take(BLOCK * (S + 4));
  const ds = take(BLOCK * (S + 4));
  const dSum = take(S + 4);
  heads = take(S + 4);
  tails = take(S + 4);
  first = take(S + 4);
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  const scales = f32x4.splat(scale);
  const slopes = f32x4.splat(A ? 1 : scale);
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const b = task / G;
    const g = task % G;
    if (A) loadGates(A, starts, B, S, G, b, g);
    memory.fill(dSum, 0, <usize>S << 2);
    const keys = <usize>((b * S * G + g) * d) << 2;
    const values = <usize>((b * S * G + g) * e) << 2;
    for (let j = 0; j < S; j++) {
      memory.fill(dk + keys + (<usize>(j * G * d) << 2), 0, <usize>d << 2);
      memory.fill(dv + values + (<usize>(j * G * e) << 2), 0, <usize>e << 2);
    }
    for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
      for (let row = 0; row < T; row += BLOCK) {
        const rows = min(BLOCK, T - row);
        const columns = offset + row + rows;
        const stride = (columns + 3) & ~3;
        const token = (b * T + row) * H + h;
        const queries = q + (<usize>(token * d) << 2);
        const dRows = dy + (<usize>(token * e) << 2);
        product(rows, columns, d, queries, H * d, 1, k + keys, 1, G * d, s, stride, false);
        product(rows, columns, e, dRows, H * e, 1, v + values, 1, G * e, ds, stride, false);
        for (let r = 0; r < rows; r++) {
          const line = <usize>(r * stride) << 2;
          const position = offset + row + r;
          finishRow(s + line, position, stride, scale, A != 0);
          for (let j = columns; j < stride; j++) store<f32>(ds + line + (<usize>j << 2), 0);
          const at = <usize>(token + r * H) * <usize>e << 2;
          let along: f64 = 0;
          for (let i: usize = 0; i < <usize>e << 2; i += 4) along += <f64>load<f32>(dy + at + i) * <f64>load<f32>(y + at + i);
          const shift = f32x4.splat(load<f32>(logSum + (<usize>(token + r * H) << 2)));
          const alongs = f32x4.splat(<f32>along);
          let total = f32x4.splat(0);
          for (let j: usize = 0; j < <usize>stride << 2; j += 16) {
            const weight = exp4(f32x4.sub(f32x4.mul(v128.load(s + line + j), slopes), shift));
            v128.store(s + line + j, weight);
            const gradient = f32x4.mul(weight, f32x4.sub(v128.load(ds + line + j), alongs));
            v128.store(ds + line + j, f32x4.mul(gradient, scales));
            if (dA) {
              total = f32x4.add(total, gradient);
              v128.store(dSum + j, f32x4.sub(v128.load(dSum + j), gradient));
            }
          }
          if (dA) {
            const own = dSum + (<usize>position << 2);
            store<f32>(own, load<f32>(own) + sum4(total));
          }
        }
        product(columns, e, rows, s, 1, stride, dRows, H * e, 1, dv + values, G * e, true);
        product(columns, d, rows, ds, 1, stride, queries, H * d, 1, dk + keys, G * d, true);
        product(rows, d, columns, ds, stride, 1, k + keys, G * d, 1, dq + (<usize>(token * d) << 2), H * d, false);
      }
    }
    if (dA) for (let j = 0; j < S; j++) store<f32>(dA + (<usize>((b * S + j) * G + g) << 2), load<f32>(dSum + (<usize>j << 2)));
  }
}
