// Causal softmax attention with optional gates, in tiles of 64 queries by 256 keys. A row's maximum and sum go along from tile
// to tile (Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867), so that what is held at once
// does not depend on T.

import { rewind, take } from './arena';
import { blockEnd, keyFactors, queryFactors, selectHead } from './decay';
import { log } from './doubles';
import { exp4, sum4 } from './functions';
import { product } from './product';
import { exponentials, largest, scaleRow } from './rows';
import {
  KEYS, QUERIES, addDecayed, addProducts, addTo, added, channels, decayRows, decayedKeys, decayedQueries, finishRow, firstKey, gateAt,
  gateStep, loadKeys, loadQueries, ofKeys, ofQueries, offsetOf, rowsAlike, s, setAttentionGates, setTiles, slopeOf,
} from './softmaxTiles';
import { hide, overCornerKeys, overCornerQueries, overKeys, overQueries } from './triangle';

export function softmaxAttention(
  begin: i32, taskEnd: i32, B: i32, T: i32, H: i32, S: i32, G: i32, d: i32, e: i32, offsets: usize, window: i32, gateWidth: i32,
  q: usize, k: usize, v: usize, A: usize, start: usize, y: usize, logSum: usize,
): void {
  rewind();
  setTiles();
  setAttentionGates(A, start, gateWidth, B, S, G, d);
  const tops = take(QUERIES);
  const sums = take(QUERIES);
  const blocks = (T + QUERIES - 1) / QUERIES;
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  const slope = slopeOf(scale);
  const plane = <usize>(B * S * G * gateStep) << 2;
  for (let task = begin; task < taskEnd; task++) {
    const h = (task / blocks) % H;
    const b = task / (blocks * H);
    const offset = offsetOf(offsets, b, S - T);
    const g = h / (H / G);
    const end = min(T, (task % blocks) * QUERIES + QUERIES);
    for (let row = (task % blocks) * QUERIES, rows = 0; row < end; row += rows) {
      const own = (b * S + offset + row) * G + g;
      const from = firstKey(start, own, offset + row, window);
      let most = end - row;
      if (channels) {
        selectHead(b, g);
        most = min(most, blockEnd(offset + row, S) - offset - row);
      }
      rows = rowsAlike(start, own, G, offset + row, window, most);
      const edges = rows > 1 && firstKey(start, own + G, offset + row + 1, window) > from ? rows - 1 : 0;
      const last = offset + row + rows;
      const token = (b * T + row) * H + h;
      const out = y + (<usize>(token * e) << 2);
      if (added) loadQueries(A, plane, own, rows, G);
      let queries = q + (<usize>(token * d) << 2);
      let ofQuery = H * d;
      if (channels) {
        queryFactors(ofQueries, offset + row, last, offset + row);
        decayRows(decayedQueries, queries, ofQuery, rows, d, ofQueries);
        queries = decayedQueries;
        ofQuery = d;
      }
      for (let first = from, columns = 0; first < last; first += columns) {
        const corner = edges > 0 && first == from;
        columns = corner ? edges : min(KEYS, last - first);
        const stride = (columns + 7) & ~7;
        const key = (b * S + first) * G + g;
        if (added) loadKeys(A, plane, key, columns, G);
        let keys = k + (<usize>(key * d) << 2);
        let ofKey = G * d;
        if (channels) {
          keyFactors(ofKeys, first, first + columns, offset + row);
          decayRows(decayedKeys, keys, ofKey, columns, d, ofKeys);
          keys = decayedKeys;
          ofKey = d;
        }
        product(rows, columns, d, queries, ofQuery, 1, keys, 1, ofKey, s, stride, false);
        for (let r = 0; r < rows; r++) {
          const line = s + (<usize>(r * stride) << 2);
          const at = <usize>r << 2;
          finishRow(line, r, min(offset + row + r, first + columns - 1), first, stride, scale, added);
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
        store<f32>(logSum + (<usize>(token + r * H) << 2), <f32>(<f64>top * <f64>slope + log(<f64>sum)));
        scaleRow(out + (<usize>(r * H * e) << 2), e, 1 / sum);
      }
    }
  }
}

/** A task is one key/value head: its keys' gradients come from all queries. */
export function softmaxAttentionBackward(
  begin: i32, end: i32, B: i32, T: i32, H: i32, S: i32, G: i32, d: i32, e: i32, offsets: usize, window: i32, gateWidth: i32,
  q: usize, k: usize, v: usize, A: usize, start: usize, y: usize, logSum: usize, dy: usize,
  dq: usize, dk: usize, dv: usize, dA: usize,
): void {
  rewind();
  setTiles();
  setAttentionGates(A, start, gateWidth, B, S, G, d);
  const ds = take(QUERIES * KEYS);
  const alongs = take(QUERIES);
  const dKeys = take(KEYS);
  const dDecayed = channels ? take(KEYS * d) : 0;
  const dAdded = added ? dA : 0;
  const scale = <f32>(1 / Math.sqrt(<f64>d));
  const scales = f32x4.splat(scale);
  const slopes = f32x4.splat(slopeOf(scale));
  const plane = <usize>(B * S * G * gateStep) << 2;
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const b = task / G;
    const g = task % G;
    const offset = offsetOf(offsets, b, S - T);
    for (let j = 0; j < S; j++) {
      const key = <usize>((b * S + j) * G + g);
      memory.fill(dk + ((key * d) << 2), 0, <usize>d << 2);
      memory.fill(dv + ((key * e) << 2), 0, <usize>e << 2);
      if (dA) memory.fill(dA + ((key * gateStep) << 2), 0, <usize>gateStep << 2);
    }
    for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
      for (let row = 0, rows = 0; row < T; row += rows) {
        const own = (b * S + offset + row) * G + g;
        const from = firstKey(start, own, offset + row, window);
        let most = min(QUERIES, T - row);
        if (channels) {
          selectHead(b, g);
          most = min(most, blockEnd(offset + row, S) - offset - row);
        }
        rows = rowsAlike(start, own, G, offset + row, window, most);
        const edges = rows > 1 && firstKey(start, own + G, offset + row + 1, window) > from ? rows - 1 : 0;
        const last = offset + row + rows;
        const token = (b * T + row) * H + h;
        let queries = q + (<usize>(token * d) << 2);
        let ofQuery = H * d;
        const dRows = dy + (<usize>(token * e) << 2);
        const dQueries = dq + (<usize>(token * d) << 2);
        if (added) loadQueries(A, plane, own, rows, G);
        if (channels) {
          queryFactors(ofQueries, offset + row, last, offset + row);
          decayRows(decayedQueries, queries, ofQuery, rows, d, ofQueries);
          queries = decayedQueries;
          ofQuery = d;
        }
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
          const values = <usize>(key * e) << 2;
          let keys = k + (<usize>(key * d) << 2);
          let dOfKeys = dk + (<usize>(key * d) << 2);
          let ofKey = G * d;
          if (added) loadKeys(A, plane, key, columns, G);
          if (dAdded) memory.fill(dKeys, 0, <usize>KEYS << 2);
          if (channels) {
            keyFactors(ofKeys, first, first + columns, offset + row);
            decayRows(decayedKeys, keys, ofKey, columns, d, ofKeys);
            memory.fill(dDecayed, 0, <usize>(columns * d) << 2);
            keys = decayedKeys;
            dOfKeys = dDecayed;
            ofKey = d;
          }
          product(rows, columns, d, queries, ofQuery, 1, keys, 1, ofKey, s, stride, false);
          product(rows, columns, e, dRows, H * e, 1, v + values, 1, G * e, ds, stride, false);
          for (let r = 0; r < rows; r++) {
            const line = <usize>(r * stride) << 2;
            finishRow(s + line, r, min(offset + row + r, first + columns - 1), first, stride, scale, added);
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
              if (dAdded) {
                total = f32x4.add(total, f32x4.add(g0, g1));
                const at = dKeys + (j - line);
                v128.store(at, f32x4.sub(v128.load(at), g0));
                v128.store(at, f32x4.sub(v128.load(at, 16), g1), 16);
              }
            }
            if (dAdded) addTo(dA + gateAt(own + r * G), sum4(total));
          }
          if (dAdded) for (let j = 0; j < columns; j++) addTo(dA + gateAt(key + j * G), load<f32>(dKeys + (<usize>j << 2)));
          const before = offset + row - first;
          if (corner) {
            overCornerQueries(rows, e, s, stride, dRows, H * e, dv + values, G * e);
            overCornerQueries(rows, d, ds, stride, queries, ofQuery, dOfKeys, ofKey);
            overCornerKeys(rows, d, ds, stride, keys, ofKey, dQueries, H * d);
          } else {
            const before = offset + row - first;
            overQueries(rows, e, before, columns, s, stride, dRows, H * e, dv + values, G * e);
            overQueries(rows, d, before, columns, ds, stride, queries, ofQuery, dOfKeys, ofKey);
            overKeys(rows, d, before, columns, ds, stride, keys, ofKey, dQueries, H * d, first > from);
          }
          if (channels) {
            decayRows(dDecayed, dDecayed, d, columns, d, ofKeys);
            const at = <usize>(key * d) << 2;
            addDecayed(columns, d, G, k + at, dDecayed, dk + at, dA ? dA + (<usize>(key * channels) << 2) : 0);
          }
        }
        if (channels) {
          for (let r = 0; r < rows; r++) {
            const at = <usize>(token + r * H) * <usize>d << 2;
            decayRows(dq + at, dq + at, d, 1, d, ofQueries + (<usize>(r * channels) << 2));
            if (dA) addProducts(dA + (<usize>((own + r * G) * channels) << 2), d, q + at, dq + at, 1);
          }
        }
      }
    }
  }
}
