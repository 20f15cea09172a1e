// What attention by softmax works on tile by tile: scores, the gates of both sides, and which keys a block of queries sees.

import { take } from './arena';
import { hiding, setGates } from './decay';
import { addMultiple } from './queryState';

export const QUERIES: i32 = 64;
export const KEYS: i32 = 256;

/** Scores of a tile, rows one after the other. */
export let s: usize = 0;
// Sums of log gates for the keys and the queries of a tile, as heads and tails.
let keyHeads: usize = 0;
let keyTails: usize = 0;
let queryHeads: usize = 0;
let queryTails: usize = 0;
// Gates of channels: how many a token has, the factors of a tile's queries and keys, and both decayed.
export let channels: i32 = 0;
export let ofQueries: usize = 0;
export let ofKeys: usize = 0;
export let decayedQueries: usize = 0;
export let decayedKeys: usize = 0;
// Gates that are added to scores: whether there are any, and where a token's stands among all that it has.
export let added: bool = false;
export let gateStep: i32 = 1;
let gatePlace: i32 = 0;

/** `gateWidth` is 0 without gates, −1 with one a token, else d or d + 1. To be called once by a kernel, after `setTiles`. */
export function setAttentionGates(A: usize, start: usize, gateWidth: i32, B: i32, S: i32, G: i32, d: i32): void {
  channels = max(0, gateWidth);
  added = gateWidth < 0 || gateWidth > d;
  gateStep = max(1, channels);
  gatePlace = channels ? d : 0;
  if (!channels) return;
  setGates(A, start, channels, B, S, G, 1);
  ofQueries = take(QUERIES * channels);
  ofKeys = take(KEYS * channels);
  decayedQueries = take(QUERIES * d);
  decayedKeys = take(KEYS * d);
}

/** The place of an added gate, by the number of its token and head. */
@inline
export function gateAt(own: i32): usize {
  return <usize>(own * gateStep + gatePlace) << 2;
}

/** Rows of x that stand `stride` apart times those of their factors; a factor of 0 hides even what is not finite. */
export function decayRows(out: usize, x: usize, stride: i32, rows: i32, d: i32, factor: usize): void {
  for (let r = 0; r < rows; r++, x += <usize>stride << 2, out += <usize>d << 2, factor += <usize>channels << 2) {
    let i: usize = 0;
    for (const whole = <usize>(d & ~3) << 2; i < whole; i += 16) v128.store(out + i, hiding(v128.load(x + i), v128.load(factor + i)));
    for (; i < <usize>d << 2; i += 4) {
      const by = load<f32>(factor + i);
      store<f32>(out + i, by == 0 ? 0 : load<f32>(x + i) * by);
    }
  }
}

/** Takes work space; to be called once by a kernel, after `rewind`. */
export function setTiles(): void {
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
export function slopeOf(scale: f32): f32 {
  return added ? 1 : scale;
}

/** Makes a row of products q·k one of scores; −∞ where query `i` does not see a key from `first` on, the last that it does standing at `position`, and in the padding. */
export function finishRow(line: usize, i: i32, position: i32, first: i32, count: i32, scale: f32, gated: bool): void {
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

/** Where the first query of a row of the batch stands among its keys. */
@inline
export function offsetOf(offsets: usize, b: i32, most: i32): i32 {
  return offsets ? max(0, min(most, load<i32>(offsets + (<usize>b << 2)))) : most;
}

/** The first key that the query sees at `position`, whose gate is number `own`. */
@inline
export function firstKey(start: usize, own: i32, position: i32, window: i32): i32 {
  const first = max(0, position + 1 - window);
  return added ? max(first, load<i32>(start + gateAt(own))) : first;
}

/**
 * How many of the next `most` queries see the same keys as the first, but for their own: those of one document. Or, where their
 * window moves on with them, all keys from one further on each.
 */
export function rowsAlike(start: usize, own: i32, G: i32, position: i32, window: i32, most: i32): i32 {
  const first = firstKey(start, own, position, window);
  if (most < 2) return most;
  const step = firstKey(start, own + G, position + 1, window) == first + 1 ? 1 : 0;
  if (step) most = min(most, position - first + 1);
  let rows = 1;
  while (rows < most && firstKey(start, own + rows * G, position + rows, window) == first + rows * step) rows++;
  return rows;
}

/** Gates of the keys of a tile; the padding keeps what it held, to be hidden by `finishRow`. */
export function loadKeys(A: usize, plane: usize, key: i32, columns: i32, G: i32): void {
  const at = A + gateAt(key);
  gather(columns, at, G * gateStep, keyHeads);
  gather(columns, at + plane, G * gateStep, keyTails);
}

export function loadQueries(A: usize, plane: usize, position: i32, rows: i32, G: i32): void {
  const at = A + gateAt(position);
  gather(rows, at, G * gateStep, queryHeads);
  gather(rows, at + plane, G * gateStep, queryTails);
}

/** Gradients of decayed keys, with their decay on them, added to those of the keys and of their gates. */
export function addDecayed(columns: i32, d: i32, G: i32, k: usize, dDecayed: usize, dk: usize, dA: usize): void {
  for (let j = 0; j < columns; j++) {
    const at = <usize>(j * G * d) << 2;
    const part = dDecayed + (<usize>(j * d) << 2);
    addMultiple(d, dk + at, part, 1);
    if (dA) addProducts(dA + (<usize>(j * G * channels) << 2), d, k + at, part, -1);
  }
}

/** y += sign·x·dx, number by number; where dx is 0 x has no say. */
export function addProducts(y: usize, n: i32, x: usize, dx: usize, sign: f32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    const by = load<f32>(dx + i);
    if (by != 0) store<f32>(y + i, load<f32>(y + i) + sign * load<f32>(x + i) * by);
  }
}

@inline
export function addTo(y: usize, x: f32): void {
  store<f32>(y, load<f32>(y) + x);
}
