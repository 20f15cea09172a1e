// Attention inside each chunk with scores (q·k)^p, unnormalised and scaled by its row maximum. A task is one chunk of one
// key/value head: everything that it writes is its own.

import { rewind, take } from './arena';
import { addGradient, BLOCK_ROWS, blockEnd, firstSeen, keyFactors, queryFactors, scaleRows, selectHead, setGates, storeGradient, width } from './decay';
import { max4, power4, sum4 } from './functions';
import { product } from './product';
import { madd } from './tile';

let hatK: usize = 0;
let hatQ: usize = 0;
let ofK: usize = 0;
let ofQ: usize = 0;

/** Numbers from one row of scores to the next. */
@inline
function rowStride(columns: i32): i32 {
  return (columns + 3) & ~3;
}

/** g_ij of a block, 0 above the diagonal and in the padding. */
function scoreBlock(q: usize, strideQ: i32, d: i32, from: i32, row: i32, rowEnd: i32, scale: f32, g: usize): void {
  const rows = rowEnd - row;
  const columns = rowEnd - from;
  const stride = rowStride(columns);
  scaleRows(hatQ, q, strideQ, rows, d, ofQ, scale);
  product(rows, columns, d, hatQ, d, 1, hatK, 1, d, g, stride, false);
  for (let r = 0; r < rows; r++) clearFuture(g + (<usize>(r * stride) << 2), row + r - from + 1, stride);
}

@inline
function clearFuture(g: usize, from: i32, to: i32): void {
  memory.fill(g + (<usize>from << 2), 0, <usize>(to - from) << 2);
}

export function powerAttention(
  begin: i32, end: i32, B: i32, T: i32, H: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32,
  A: usize, starts: usize, gateWidth: i32, q: usize, k: usize, v: usize, num: usize, den: usize, rowMax: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  const most = min(chunk, T);
  const chunks = (T + chunk - 1) / chunk;
  hatK = take(most * d);
  ofK = take(most * width);
  hatQ = take(BLOCK_ROWS * d);
  ofQ = take(BLOCK_ROWS * width);
  const g = take(BLOCK_ROWS * rowStride(most));
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const first = (task % chunks) * chunk;
    const group = (task / chunks) % G;
    const b = task / (chunks * G);
    const last = min(T, first + chunk);
    selectHead(b, group);
    for (let row = first; row < last; ) {
      const rowEnd = blockEnd(row, last);
      const from = firstSeen(row, first);
      const columns = rowEnd - from;
      const stride = rowStride(columns);
      if (width) {
        keyFactors(ofK, from, rowEnd, row);
        queryFactors(ofQ, row, rowEnd, row);
      }
      scaleRows(hatK, k + (<usize>(((b * T + from) * G + group) * d) << 2), G * d, columns, d, ofK, 1);
      for (let h = group * perGroup; h < (group + 1) * perGroup; h++) {
        const token = (b * T + row) * H + h;
        scoreBlock(q + (<usize>(token * d) << 2), H * d, d, from, row, rowEnd, scale, g);
        for (let r = 0; r < rowEnd - row; r++) {
          const at = <usize>(token + r * H) << 2;
          weigh(g + (<usize>(r * stride) << 2), stride, p, rowMax + at, den + at);
        }
        product(
          rowEnd - row, e, columns, g, stride, 1,
          v + (<usize>(((b * T + from) * G + group) * e) << 2), G * e, 1,
          num + (<usize>(token * e) << 2), H * e, false,
        );
      }
      row = rowEnd;
    }
  }
}

/** One row: the largest |g|, (g/max)^p in place, and their sum. `count` is a multiple of 4. */
function weigh(g: usize, count: i32, p: i32, rowMax: usize, den: usize): void {
  let most = f32x4.splat(0);
  const bytes = <usize>count << 2;
  for (let j: usize = 0; j < bytes; j += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(g + j)));
  const top = max4(most);
  store<f32>(rowMax, top);
  if (top == 0) {
    memory.fill(g, 0, bytes);
    store<f32>(den, 0);
    return;
  }
  const tops = f32x4.splat(top);
  let sums = f32x4.splat(0);
  for (let j: usize = 0; j < bytes; j += 16) {
    const weight = power4(f32x4.div(v128.load(g + j), tops), p);
    v128.store(g + j, weight);
    sums = f32x4.add(sums, weight);
  }
  store<f32>(den, sum4(sums));
}

export function powerAttentionBackward(
  begin: i32, end: i32, B: i32, T: i32, H: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32,
  A: usize, starts: usize, gateWidth: i32, q: usize, k: usize, v: usize, rowMax: usize, dnum: usize, dden: usize,
  dq: usize, dk: usize, dv: usize, dA: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  const most = min(chunk, T);
  const chunks = (T + chunk - 1) / chunk;
  hatK = take(most * d);
  ofK = take(most * width);
  hatQ = take(BLOCK_ROWS * d);
  ofQ = take(BLOCK_ROWS * width);
  const g = take(BLOCK_ROWS * rowStride(most));
  const dG = take(BLOCK_ROWS * rowStride(most));
  const dHatK = take(most * d);
  const dK = take(most * d);
  const dQ = take(BLOCK_ROWS * d);
  const dSum = take(most * width);
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const first = (task % chunks) * chunk;
    const group = (task / chunks) % G;
    const b = task / (chunks * G);
    const last = min(T, first + chunk);
    selectHead(b, group);
    memory.fill(dK, 0, <usize>((last - first) * d) << 2);
    memory.fill(dSum, 0, <usize>((last - first) * width) << 2);
    for (let t = first; t < last; t++) memory.fill(dv + (<usize>(((b * T + t) * G + group) * e) << 2), 0, <usize>e << 2);
    for (let row = first; row < last; ) {
      const rowEnd = blockEnd(row, last);
      const from = firstSeen(row, first);
      const rows = rowEnd - row;
      const columns = rowEnd - from;
      const stride = rowStride(columns);
      if (width) {
        keyFactors(ofK, from, rowEnd, row);
        queryFactors(ofQ, row, rowEnd, row);
      }
      scaleRows(hatK, k + (<usize>(((b * T + from) * G + group) * d) << 2), G * d, columns, d, ofK, 1);
      const values = v + (<usize>(((b * T + from) * G + group) * e) << 2);
      const dValues = dv + (<usize>(((b * T + from) * G + group) * e) << 2);
      for (let h = group * perGroup; h < (group + 1) * perGroup; h++) {
        const token = (b * T + row) * H + h;
        const dRows = dnum + (<usize>(token * e) << 2);
        scoreBlock(q + (<usize>(token * d) << 2), H * d, d, from, row, rowEnd, scale, g);
        product(rows, columns, e, dRows, H * e, 1, values, 1, G * e, dG, stride, false);
        for (let r = 0; r < rows; r++) {
          const at = <usize>(token + r * H) << 2;
          const line = <usize>(r * stride) << 2;
          unweigh(g + line, dG + line, stride, p, load<f32>(rowMax + at), load<f32>(dden + at));
          // Above the diagonal g is 0, which for p = 1 still has a slope.
          clearFuture(dG + line, row + r - from + 1, stride);
        }
        product(columns, e, rows, g, 1, stride, dRows, H * e, 1, dValues, G * e, true);
        if (width) {
          product(columns, d, rows, dG, 1, stride, hatQ, d, 1, dHatK, d, false);
          addScaled(dK + (<usize>((from - first) * d) << 2), dHatK, ofK, columns, d);
        } else {
          product(columns, d, rows, dG, 1, stride, hatQ, d, 1, dK + (<usize>((from - first) * d) << 2), d, true);
        }
        product(rows, d, columns, dG, stride, 1, hatK, d, 1, dQ, d, false);
        scaleRows(dQ, dQ, d, rows, d, ofQ, scale);
        for (let r = 0; r < rows; r++) {
          const at = <usize>((token + r * H) * d) << 2;
          const line = dQ + (<usize>(r * d) << 2);
          memory.copy(dq + at, line, <usize>d << 2);
          if (width) addGradient(dSum, row + r - first, d, q + at, line, 1);
        }
      }
      row = rowEnd;
    }
    for (let t = first; t < last; t++) {
      const at = <usize>(((b * T + t) * G + group) * d) << 2;
      const line = dK + (<usize>((t - first) * d) << 2);
      memory.copy(dk + at, line, <usize>d << 2);
      if (width) addGradient(dSum, t - first, d, k + at, line, -1);
    }
    if (dA) storeGradient(dSum, first, last, dA);
  }
}

/** g becomes the weights (g/max)^p, and dG, the gradient of the weights without `dden`, that of g. */
function unweigh(g: usize, dG: usize, count: i32, p: i32, top: f32, dden: f32): void {
  const bytes = <usize>count << 2;
  if (top == 0) {
    memory.fill(g, 0, bytes);
    memory.fill(dG, 0, bytes);
    return;
  }
  const tops = f32x4.splat(top);
  const dens = f32x4.splat(dden);
  const slope = f32x4.splat(<f32>(<f64>p / <f64>top));
  for (let j: usize = 0; j < bytes; j += 16) {
    const ratio = f32x4.div(v128.load(g + j), tops);
    const below = power4(ratio, p - 1);
    v128.store(g + j, f32x4.mul(below, ratio));
    v128.store(dG + j, f32x4.mul(f32x4.add(v128.load(dG + j), dens), f32x4.mul(below, slope)));
  }
}

/** y += x·factor, row by row. */
function addScaled(y: usize, x: usize, factor: usize, rows: i32, d: i32): void {
  for (let r = 0; r < rows; r++, x += <usize>d << 2, y += <usize>d << 2) {
    const common = width == 1 ? f32x4.splat(load<f32>(factor + (<usize>r << 2))) : f32x4.splat(1);
    const own = factor + (<usize>(r * d) << 2);
    let i: usize = 0;
    for (const whole = <usize>(d & ~3) << 2; i < whole; i += 16) {
      const f = width > 1 ? v128.load(own + i) : common;
      v128.store(y + i, madd(v128.load(x + i), f, v128.load(y + i)));
    }
    for (; i < <usize>d << 2; i += 4) {
      const f = width > 1 ? load<f32>(own + i) : f32x4.extract_lane(common, 0);
      store<f32>(y + i, load<f32>(y + i) + load<f32>(x + i) * f);
    }
  }
}
