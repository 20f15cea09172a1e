// Attention inside each chunk with scores (q·k)^p, unnormalised and scaled by its row maximum. A task is one chunk of one
// key/value head: everything that it writes is its own.
//
// A block of queries meets its keys in slices. Keys and values are packed once for all blocks and query heads that see them: the
// decay of a key multiplies its scores. Only vector gates, which scores cannot carry, scale the keys anew for every block.

import { rewind, take } from './arena';
import {
  addGradient, BLOCK_ROWS, blockEnd, firstSeen, hiding, keyFactors, queryFactors, scaleRows, selectHead, setGates, storeGradient, width,
} from './decay';
import { multiplyToTriangle, multiplyTriangle, packColumns, padded, transpose } from './panels';
import { SLICE, SLICE_SIZE, applyFactors, hideRest, unweigh, weigh } from './scores';
import { Across, Along, COLUMNS, STRIDE } from './tile';

/** The first key that the block at hand sees, and where packed keys end. */
let from: i32 = 0;
let packed: i32 = 0;

let ofQ: usize = 0;
/** With vector gates, what scales the keys. */
let ofK: usize = 0;
/** What multiplies the scores of each key. */
let factors: usize = 0;
/** With vector gates, scaled queries or keys [rows, d]. */
let hat: usize = 0;
/** The queries, each a column, and panels of the keys. */
let queries: usize = 0;
let keys: usize = 0;

/** Takes work space for chunks of `most` tokens; to be called once by a kernel, after `setGates`. */
function setBlocks(most: i32, d: i32): void {
  ofQ = take(BLOCK_ROWS * width);
  ofK = width > 1 ? take(most * width) : 0;
  factors = take(most + 8);
  hat = width > 1 ? take(SLICE * d) : 0;
  queries = take(STRIDE * d);
  keys = take(padded(most, COLUMNS) * d);
  for (let j = 0; j < most + 8; j++) store<f32>(factors + (<usize>j << 2), 1);
}

/** Numbers of panels for `most` tokens with vectors of size n, tokens deep. */
@inline
function panelSize(most: i32, n: i32): i32 {
  return most * padded(n, COLUMNS);
}

/** Turns to the queries from `row` to `rowEnd`. */
function selectBlock(row: i32, rowEnd: i32, first: i32): void {
  const seen = firstSeen(row, first);
  if (seen != from || width > 1) packed = seen;
  from = seen;
  if (!width) return;
  queryFactors(ofQ, row, rowEnd, row);
  keyFactors(width == 1 ? factors : ofK, from, rowEnd, row);
  if (width > 1) return;
  // What padding is multiplied by.
  const end = factors + (<usize>(rowEnd - from) << 2);
  v128.store(end, f32x4.splat(0));
  v128.store(end, f32x4.splat(0), 16);
}

/** Rows of queries or keys as products take them: where they lie or, with vector gates, scaled in `hat`. */
@inline
function scaled(x: usize, stride: i32, rows: i32, d: i32, factor: usize): usize {
  if (width > 1) scaleRows(hat, x, stride, rows, d, factor, 1);
  return width > 1 ? hat : x;
}

/** How far apart rows of d numbers are then. */
@inline
function scaledStride(stride: i32, d: i32): i32 {
  return width > 1 ? d : stride;
}

/** Packs `count` keys, rows `stride` apart, for q·k; returns their rows as `scaled` has them. */
function packKeys(k: usize, stride: i32, count: i32, d: i32): usize {
  const at = packed - from;
  const rows = scaled(k + (<usize>(packed * stride) << 2), stride, count, d, ofK + (<usize>(at * width) << 2));
  packColumns(count, d, rows, 1, scaledStride(stride, d), keys + (<usize>(at * d) << 2));
  return rows;
}

/** Turns the queries of a block for q·k; returns their rows as `scaled` has them. */
function packQueries(q: usize, stride: i32, count: i32, d: i32): usize {
  const rows = scaled(q, stride, count, d, ofQ);
  transpose(count, d, rows, <usize>scaledStride(stride, d) << 2, queries, STRIDE << 2);
  return rows;
}

/** What makes a score of a product in row `r`, beside the factor of the key. */
@inline
function rowFactor(r: i32, root: f32): f32 {
  return width == 1 ? root * load<f32>(ofQ + (<usize>r << 2)) : root;
}

export function powerAttention(
  begin: i32, end: i32, B: i32, T: i32, H: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32,
  A: usize, starts: usize, gateWidth: i32, q: usize, k: usize, v: usize, num: usize, den: usize, rowMax: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  const most = min(chunk, T);
  const chunks = (T + chunk - 1) / chunk;
  setBlocks(most, d);
  const g = take((padded(most, SLICE) / SLICE) * SLICE_SIZE);
  const values = take(panelSize(most, e));
  const root = <f32>(1 / Math.sqrt(<f64>d));
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const first = (task % chunks) * chunk;
    const group = (task / chunks) % G;
    const b = task / (chunks * G);
    const last = min(T, first + chunk);
    const head = b * T * G + group;
    selectHead(b, group);
    from = -1;
    for (let row = first; row < last; ) {
      const rowEnd = blockEnd(row, last);
      const rows = rowEnd - row;
      selectBlock(row, rowEnd, first);
      const columns = rowEnd - from;
      const until = width > 1 ? rowEnd : last;
      for (; packed < rowEnd; packed += SLICE) {
        const count = min(SLICE, until - packed);
        packKeys(k + (<usize>(head * d) << 2), G * d, count, d);
        packColumns(e, count, v + (<usize>((head + packed * G) * e) << 2), G * e, 1, values + (<usize>panelSize(packed - from, e) << 2));
      }
      for (let h = group * perGroup; h < (group + 1) * perGroup; h++) {
        const token = (b * T + row) * H + h;
        packQueries(q + (<usize>(token * d) << 2), H * d, rows, d);
        let slice = g;
        for (let j = 0; j < columns; j += SLICE, slice += SLICE_SIZE << 2) {
          multiplyToTriangle(rows, min(SLICE, columns - j), d, row - from - j, queries, keys + (<usize>(j * d) << 2), slice);
        }
        // All of them before the first is read: a vector that covers a fresh store in part would wait for it.
        for (let r = 0; r < rows; r++) hideRest(g + (<usize>(r * STRIDE) << 2), row - from + r + 1, columns);
        for (let r = 0; r < rows; r++) {
          const at = <usize>(token + r * H) << 2;
          const line = g + (<usize>(r * STRIDE) << 2);
          const shown = row - from + r + 1;
          const most = applyFactors(line, shown, factors);
          // A reciprocal has to be finite.
          const top: f32 = most == 0 ? 0 : max(most, f32.MIN_NORMAL_VALUE);
          const scaledTop: f32 = top * rowFactor(r, root);
          store<f32>(rowMax + at, scaledTop);
          store<f32>(den + at, weigh(line, shown, scaledTop == 0 ? <f32>0 : 1 / top, p));
        }
        slice = g;
        for (let j = 0; j < columns; j += SLICE, slice += SLICE_SIZE << 2) {
          multiplyTriangle<Along>(
            rows, e, min(SLICE, until - from - j), row - from - j, slice, values + (<usize>panelSize(j, e) << 2),
            num + (<usize>(token * e) << 2), H * e, j == 0,
          );
        }
      }
      row = rowEnd;
    }
  }
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
  setBlocks(most, d);
  const g = take(SLICE_SIZE);
  const dG = take(SLICE_SIZE);
  // The keys for dG·k, the values for dnum·v, the queries for k·dG, and dnum for both of its products.
  const keyRows = take(panelSize(most, d));
  const values = take(padded(most, COLUMNS) * e);
  const queryRows = take(panelSize(BLOCK_ROWS, d));
  const dNums = take(STRIDE * e);
  const dNumRows = take(panelSize(BLOCK_ROWS, e));
  const dHat = width > 1 ? take(SLICE * d) : 0;
  const dSum = take(most * width);
  const root = <f32>(1 / Math.sqrt(<f64>d));
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const first = (task % chunks) * chunk;
    const group = (task / chunks) % G;
    const b = task / (chunks * G);
    const last = min(T, first + chunk);
    const head = b * T * G + group;
    const headK = <usize>(head * d) << 2;
    const headV = <usize>(head * e) << 2;
    selectHead(b, group);
    from = -1;
    memory.fill(dSum, 0, <usize>((last - first) * width) << 2);
    for (let t = first; t < last; t++) {
      memory.fill(dk + headK + (<usize>(t * G * d) << 2), 0, <usize>d << 2);
      memory.fill(dv + headV + (<usize>(t * G * e) << 2), 0, <usize>e << 2);
    }
    for (let row = first; row < last; ) {
      const rowEnd = blockEnd(row, last);
      const rows = rowEnd - row;
      selectBlock(row, rowEnd, first);
      const columns = rowEnd - from;
      const until = width > 1 ? rowEnd : last;
      for (; packed < rowEnd; packed += SLICE) {
        const count = min(SLICE, until - packed);
        const lines = packKeys(k + headK, G * d, count, d);
        packColumns(d, count, lines, scaledStride(G * d, d), 1, keyRows + (<usize>panelSize(packed - from, d) << 2));
        packColumns(count, e, v + headV + (<usize>(packed * G * e) << 2), 1, G * e, values + (<usize>((packed - from) * e) << 2));
      }
      for (let h = group * perGroup; h < (group + 1) * perGroup; h++) {
        const token = (b * T + row) * H + h;
        const dRows = dnum + (<usize>(token * e) << 2);
        const lines = packQueries(q + (<usize>(token * d) << 2), H * d, rows, d);
        packColumns(d, rows, lines, scaledStride(H * d, d), 1, queryRows);
        transpose(rows, e, dRows, <usize>(H * e) << 2, dNums, STRIDE << 2);
        packColumns(e, rows, dRows, H * e, 1, dNumRows);
        for (let j = 0; j < columns; j += SLICE) {
          const before = row - from - j;
          const count = min(SLICE, columns - j);
          multiplyToTriangle(rows, count, d, before, queries, keys + (<usize>(j * d) << 2), g);
          multiplyToTriangle(rows, count, e, before, dNums, values + (<usize>(j * e) << 2), dG);
          for (let r = 0; r < rows; r++) {
            const at = <usize>(token + r * H) << 2;
            const line = <usize>(r * STRIDE) << 2;
            const shown = max(0, min(count, before + r + 1));
            const top = load<f32>(rowMax + at);
            const scale: f32 = top == 0 ? 0 : rowFactor(r, root) / top;
            unweigh(g + line, dG + line, shown, factors + (<usize>j << 2), scale, load<f32>(dden + at), p);
          }
          const key = <usize>((from + j) * G);
          const dKeys = dk + headK + ((key * d) << 2);
          multiplyTriangle<Across>(count, e, rows, before, g, dNumRows, dv + headV + ((key * e) << 2), G * e, false);
          if (width > 1) {
            multiplyTriangle<Across>(count, d, rows, before, dG, queryRows, dHat, d, true);
            addScaled(dKeys, G * d, dHat, ofK + (<usize>(j * d) << 2), count, d);
          } else {
            multiplyTriangle<Across>(count, d, rows, before, dG, queryRows, dKeys, G * d, false);
          }
          multiplyTriangle<Along>(
            rows, d, min(SLICE, until - from - j), before, dG, keyRows + (<usize>panelSize(j, d) << 2),
            dq + (<usize>(token * d) << 2), H * d, j == 0,
          );
        }
        if (!width) continue;
        for (let r = 0; r < rows; r++) {
          const at = <usize>((token + r * H) * d) << 2;
          if (width > 1) scaleRows(dq + at, dq + at, d, 1, d, ofQ + (<usize>(r * width) << 2), 1);
          addGradient(dSum, row + r - first, d, q + at, dq + at, 1);
        }
      }
      row = rowEnd;
    }
    if (!dA) continue;
    for (let t = first; t < last; t++) {
      const at = headK + (<usize>(t * G * d) << 2);
      addGradient(dSum, t - first, d, k + at, dk + at, -1);
    }
    storeGradient(dSum, first, last, dA);
  }
}

/** y += x·factor, rows of y `stride` apart; a factor of 0 hides even what is not finite. */
function addScaled(y: usize, stride: i32, x: usize, factor: usize, rows: i32, d: i32): void {
  for (let r = 0; r < rows; r++, x += <usize>d << 2, factor += <usize>d << 2, y += <usize>stride << 2) {
    let i: usize = 0;
    for (const whole = <usize>(d & ~3) << 2; i < whole; i += 16) {
      v128.store(y + i, f32x4.add(hiding(v128.load(x + i), v128.load(factor + i)), v128.load(y + i)));
    }
    for (; i < <usize>d << 2; i += 4) {
      const by = load<f32>(factor + i);
      if (by != 0) store<f32>(y + i, load<f32>(y + i) + load<f32>(x + i) * by);
    }
  }
}
