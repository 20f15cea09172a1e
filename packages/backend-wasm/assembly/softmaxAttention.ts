// Causal softmax attention with optional gates, in tiles of 64 queries by 256 keys. A row's maximum and sum go along from tile
// to tile (Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867), so that what is held at once
// does not depend on T.

import { rewind, take } from './arena';
import { exp4, sum4 } from './functions';
import { product } from './product';
import { addMultiple } from './queryState';
import { exponentials, largest, scaleRow } from './rows';
import { overKeys, overQueries } from './triangle';

const QUERIES: i32 = 64;
const KEYS: i32 = 256;

/** Scores of a tile, rows one after the other. */
let s: usize = 0;
// Sums of log gates for the keys and the queries of a tile, as heads and tails.
let keyHeads: usize = 0;
let keyTails: usize = 0;
let queryHeads: usize = 0;
let queryTails: usize = 0;

/** Takes work space; to be called once by a kernel, after `rewind`. */
function setTiles(): void {
  s = take(QUERIES * KEYS);
  keyHeads = take(KEYS);
  keyTails = take(KEYS);
  queryHeads = take(QUERIES);
  queryTails = take(QUERIES);
}

/** Every `step`-th of `count` numbers of 4 bytes in one piece. */
function gather(count: i32, from: usize, step: i32, to: usize): void {
  for (let j: usize = 0; j < <usize>count << 2; j += 4, from += <usize>step << 2) store<u32>(to + j, load<u32>(from));
}

/** How a row of products becomes one of scores s_ij·scale + A_i − A_j: finished here with gates, by the exponential without. */
@inline
function slopeOf(A: usize, scale: f32): f32 {
  return A ? 1 : scale;
}

/** Makes a row of products q·k one of scores; −∞ where query `i` does not see a key from `first` on, the last that it does standing at `position`, and in the padding. */
function finishRow(line: usize, i: i32, position: i32, first: i32, count: i32, scale: f32, gated: bool): void {
  const bytes = <usize>count << 2;
  if (gated) {
    const scales = f32x4.splat(scale);
    const at = <usize>i << 2;
    const head = f32x4.splat(load<f32>(queryHeads + at));
    const tail = f32x4.splat(load<f32>(queryTails + at));
    for (let j: usize = 0; j < bytes; j += 32) {
      const d0 = f32x4.add(f32x4.sub(head, v128.load(keyHeads + j)), f32x4.sub(tail, v128.load(keyTails + j)));
      const d1 = f32x4.add(f32x4.sub(head, v128.load(keyHeads + j, 16)), f32x4.sub(tail, v128.load(keyTails + j, 16)));
      v128.store(line + j, f32x4.add(f32x4.mul(v128.load(line + j), scales), d0));
      v128.store(line + j, f32x4.add(f32x4.mul(v128.load(line + j, 16), scales), d1), 16);
    }
  }
  for (let j = <usize>max(0, position + 1 - first) << 2; j < bytes; j += 4) store<f32>(line + j, -Infinity);
}

export function softmaxAttention(
  begin: i32, taskEnd: i32, B: i32, T: i32, H: i32, S: i32, G: i32, d: i32, e: i32, offsets: usize, window: i32,
  q: usize, k: usize, v: usize, A: usize, start: usize, y: usize, logSum: usize,
): void {
  rewind();
  setTiles();
  const tops = take(QUERIES);
  const sums = take(QUERIES);
  const blocks = (T + QUERIES - 1) / QUERIES;
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  const slope = slopeOf(A, scale);
  const plane = <usize>(B * S * G) << 2;
  for (let task = begin; task < taskEnd; task++) {
    const h = (task / blocks) % H;
    const b = task / (blocks * H);
    const offset = offsetOf(offsets, b, S - T);
    const g = h / (H / G);
    const end = min(T, (task % blocks) * QUERIES + QUERIES);
    for (let row = (task % blocks) * QUERIES, rows = 0; row < end; row += rows) {
      const own = (b * S + offset + row) * G + g;
      const from = firstKey(start, own, offset + row, window);
      rows = rowsAlike(start, own, G, offset + row, window, end - row);
      const edges = rows > 1 && firstKey(start, own + G, offset + row + 1, window) > from ? rows - 1 : 0;
      const last = offset + row + rows;
      const token = (b * T + row) * H + h;
      const out = y + (<usize>(token * e) << 2);
      if (A) loadQueries(A, plane, own, rows, G);
      for (let first = from, columns = 0; first < last; first += columns) {
        const corner = edges > 0 && first == from;
        columns = corner ? edges : min(KEYS, last - first);
        const stride = (columns + 7) & ~7;
        const key = (b * S + first) * G + g;
        if (A) loadKeys(A, plane, key, columns, G);
        product(rows, columns, d, q + (<usize>(token * d) << 2), H * d, 1, k + (<usize>(key * d) << 2), 1, G * d, s, stride, false);
        for (let r = 0; r < rows; r++) {
          const line = s + (<usize>(r * stride) << 2);
          const at = <usize>r << 2;
          finishRow(line, r, min(offset + row + r, first + columns - 1), first, stride, scale, A != 0);
          if (corner) hide(line, r);
          const before: f32 = first == from ? -Infinity : load<f32>(tops + at);
          const top = max(before, largest(stride, line));
          store<f32>(tops + at, top);
          if (first == from) store<f32>(sums + at, 0);
          // Nothing to see in this tile: weights of 0 instead of −∞ − (−∞).
          if (top == -Infinity) continue;
          let kept: f32 = 1;
          if (top != before) {
            kept = before == -Infinity ? 0 : f32x4.extract_lane(exp4(f32x4.splat((before - top) * slope)), 0);
            if (first > from) scaleRow(out + (<usize>(r * H * e) << 2), e, kept);
          }
          store<f32>(sums + at, load<f32>(sums + at) * kept + exponentials(stride, line, top, slope, line));
        }
        const values = v + (<usize>(key * e) << 2);
        if (corner) overCornerKeys(rows, e, s, stride, values, G * e, out, H * e);
        else overKeys(rows, e, offset + row - first, columns, s, stride, values, G * e, out, H * e, first > from);
      }
      for (let r = 0; r < rows; r++) {
        const sum = load<f32>(sums + (<usize>r << 2));
        const top = load<f32>(tops + (<usize>r << 2));
        store<f32>(logSum + (<usize>(token + r * H) << 2), <f32>(<f64>top * <f64>slope + Math.log(<f64>sum)));
        scaleRow(out + (<usize>(r * H * e) << 2), e, 1 / sum);
      }
    }
  }
}

/** Where the first query of a row of the batch stands among its keys. */
@inline
function offsetOf(offsets: usize, b: i32, most: i32): i32 {
  return offsets ? max(0, min(most, load<i32>(offsets + (<usize>b << 2)))) : most;
}

/** The first key that the query sees at `position`, whose gate is number `own`. */
@inline
function firstKey(start: usize, own: i32, position: i32, window: i32): i32 {
  const first = max(0, position + 1 - window);
  return start ? max(first, load<i32>(start + (<usize>own << 2))) : first;
}

/**
 * How many of the next `most` queries see the same keys as the first, but for their own: those of one document. Or, where their
 * window moves on with them, all keys from one further on each.
 */
function rowsAlike(start: usize, own: i32, G: i32, position: i32, window: i32, most: i32): i32 {
  const first = firstKey(start, own, position, window);
  if (most < 2) return most;
  const step = firstKey(start, own + G, position + 1, window) == first + 1 ? 1 : 0;
  if (step) most = min(most, position - first + 1);
  let rows = 1;
  while (rows < most && firstKey(start, own + rows * G, position + rows, window) == first + rows * step) rows++;
  return rows;
}

// The corner of a band: the keys that the first of `rows` queries sees and the last does not, a key less with every row.

/** Row `r` of scores in the corner. */
@inline
function hide(line: usize, r: i32): void {
  for (let j: usize = 0; j < <usize>r << 2; j += 4) store<f32>(line + j, -Infinity);
}

/** C = W·X there. */
function overCornerKeys(rows: i32, n: i32, w: usize, strideW: i32, x: usize, strideX: i32, c: usize, strideC: i32): void {
  for (let r = 0; r < rows; r++) {
    const out = c + (<usize>(r * strideC) << 2);
    memory.fill(out, 0, <usize>n << 2);
    for (let j = r; j < rows - 1; j++) {
      addMultiple(n, out, x + (<usize>(j * strideX) << 2), load<f32>(w + (<usize>(r * strideW + j) << 2)));
    }
  }
}

/** C += Wᵀ·X there. */
function overCornerQueries(rows: i32, n: i32, w: usize, strideW: i32, x: usize, strideX: i32, c: usize, strideC: i32): void {
  for (let r = 0; r < rows - 1; r++) {
    for (let j = r; j < rows - 1; j++) {
      const by = load<f32>(w + (<usize>(r * strideW + j) << 2));
      addMultiple(n, c + (<usize>(j * strideC) << 2), x + (<usize>(r * strideX) << 2), by);
    }
  }
}

/** Gates of the keys of a tile; the padding keeps what it held, to be hidden by `finishRow`. */
function loadKeys(A: usize, plane: usize, key: i32, columns: i32, G: i32): void {
  const at = A + (<usize>key << 2);
  gather(columns, at, G, keyHeads);
  gather(columns, at + plane, G, keyTails);
}

function loadQueries(A: usize, plane: usize, position: i32, rows: i32, G: i32): void {
  const at = <usize>position << 2;
  gather(rows, A + at, G, queryHeads);
  gather(rows, A + plane + at, G, queryTails);
}

/** A task is one key/value head: its keys' gradients come from all queries. */
export function softmaxAttentionBackward(
  begin: i32, end: i32, B: i32, T: i32, H: i32, S: i32, G: i32, d: i32, e: i32, offsets: usize, window: i32,
  q: usize, k: usize, v: usize, A: usize, start: usize, y: usize, logSum: usize, dy: usize,
  dq: usize, dk: usize, dv: usize, dA: usize,
): void {
  rewind();
  setTiles();
  const ds = take(QUERIES * KEYS);
  const alongs = take(QUERIES);
  const dKeys = take(KEYS);
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  const scales = f32x4.splat(scale);
  const slopes = f32x4.splat(slopeOf(A, scale));
  const plane = <usize>(B * S * G) << 2;
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const b = task / G;
    const g = task % G;
    const offset = offsetOf(offsets, b, S - T);
    for (let j = 0; j < S; j++) {
      const key = <usize>((b * S + j) * G + g);
      memory.fill(dk + ((key * d) << 2), 0, <usize>d << 2);
      memory.fill(dv + ((key * e) << 2), 0, <usize>e << 2);
      if (dA) store<f32>(dA + (key << 2), 0);
    }
    for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
      for (let row = 0, rows = 0; row < T; row += rows) {
        const own = (b * S + offset + row) * G + g;
        const from = firstKey(start, own, offset + row, window);
        rows = rowsAlike(start, own, G, offset + row, window, min(QUERIES, T - row));
        const edges = rows > 1 && firstKey(start, own + G, offset + row + 1, window) > from ? rows - 1 : 0;
        const last = offset + row + rows;
        const token = (b * T + row) * H + h;
        const queries = q + (<usize>(token * d) << 2);
        const dRows = dy + (<usize>(token * e) << 2);
        if (A) loadQueries(A, plane, own, rows, G);
        for (let r = 0; r < rows; r++) {
          const at = <usize>(token + r * H) * <usize>e << 2;
          let along: f64 = 0;
          for (let i: usize = 0; i < <usize>e << 2; i += 4) along += <f64>load<f32>(dy + at + i) * <f64>load<f32>(y + at + i);
          store<f32>(alongs + (<usize>r << 2), <f32>along);
        }
        for (let first = from, columns = 0; first < last; first += columns) {
          const corner = edges > 0 && first == from;
          columns = corner ? edges : min(KEYS, last - first);
          const stride = (columns + 7) & ~7;
          const key = (b * S + first) * G + g;
          const keys = <usize>(key * d) << 2;
          const values = <usize>(key * e) << 2;
          if (A) loadKeys(A, plane, key, columns, G);
          if (dA) memory.fill(dKeys, 0, <usize>KEYS << 2);
          product(rows, columns, d, queries, H * d, 1, k + keys, 1, G * d, s, stride, false);
          product(rows, columns, e, dRows, H * e, 1, v + values, 1, G * e, ds, stride, false);
          for (let r = 0; r < rows; r++) {
            const line = <usize>(r * stride) << 2;
            finishRow(s + line, r, min(offset + row + r, first + columns - 1), first, stride, scale, A != 0);
            if (corner) hide(s + line, r);
            const shift = f32x4.splat(load<f32>(logSum + (<usize>(token + r * H) << 2)));
            const along = v128.load32_splat(alongs + (<usize>r << 2));
            let total = f32x4.splat(0);
            const shown = max(0, min(columns, offset + row + r + 1 - first));
            let left = i32x4.sub(i32x4.splat(shown), i32x4(0, 1, 2, 3));
            // Keys of the corner that the row has left behind.
            const most = i32x4.splat(corner ? shown - r : shown);
            for (let j = line, end = line + (<usize>((shown + 7) & ~7) << 2); j < end; j += 32) {
              const w0 = exp4(f32x4.sub(f32x4.mul(v128.load(s + j), slopes), shift));
              const w1 = exp4(f32x4.sub(f32x4.mul(v128.load(s + j, 16), slopes), shift));
              v128.store(s + j, w0);
              v128.store(s + j, w1, 16);
              const seen0 = v128.and(i32x4.gt_s(left, i32x4.splat(0)), i32x4.le_s(left, most));
              const after = i32x4.sub(left, i32x4.splat(4));
              const seen1 = v128.and(i32x4.gt_s(after, i32x4.splat(0)), i32x4.le_s(after, most));
              left = i32x4.sub(left, i32x4.splat(8));
              const g0 = v128.and(seen0, f32x4.mul(w0, f32x4.sub(v128.load(ds + j), along)));
              const g1 = v128.and(seen1, f32x4.mul(w1, f32x4.sub(v128.load(ds + j, 16), along)));
              v128.store(ds + j, f32x4.mul(g0, scales));
              v128.store(ds + j, f32x4.mul(g1, scales), 16);
              if (dA) {
                total = f32x4.add(total, f32x4.add(g0, g1));
                const at = dKeys + (j - line);
                v128.store(at, f32x4.sub(v128.load(at), g0));
                v128.store(at, f32x4.sub(v128.load(at, 16), g1), 16);
              }
            }
            if (dA) addTo(dA + (<usize>(own + r * G) << 2), sum4(total));
          }
          if (dA) for (let j = 0; j < columns; j++) addTo(dA + (<usize>(key + j * G) << 2), load<f32>(dKeys + (<usize>j << 2)));
          const before = offset + row - first;
          if (corner) {
            overCornerQueries(rows, e, s, stride, dRows, H * e, dv + values, G * e);
            overCornerQueries(rows, d, ds, stride, queries, H * d, dk + keys, G * d);
            overCornerKeys(rows, d, ds, stride, k + keys, G * d, dq + (<usize>(token * d) << 2), H * d);
            continue;
          }
          overQueries(rows, e, before, columns, s, stride, dRows, H * e, dv + values, G * e);
          overQueries(rows, d, before, columns, ds, stride, queries, H * d, dk + keys, G * d);
          overKeys(rows, d, before, columns, ds, stride, k + keys, G * d, dq + (<usize>(token * d) << 2), H * d, first > from);
        }
      }
    }
  }
}

@inline
function addTo(y: usize, x: f32): void {
  store<f32>(y, load<f32>(y) + x);
}
