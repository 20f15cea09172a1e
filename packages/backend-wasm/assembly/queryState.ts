// Joins what a chunk's own attention found with what the state before the chunk knows, and normalises. Both sides are brought
// over one factor c = max(rowMax, |q̃|) to the power p before they meet.

import { rewind, take } from './arena';
import { addGradient, scaleRows, selectHead, setGates, stateEnd, stateFactors, storeGradient, width } from './decay';
import { prefixes, setRuns } from './embedding';
import {
  TOKENS, clearGradients, countFeatures, embed, embedBackward, finishGradients, panels, phi, prefixEnd, setAnswers, setFeatures,
  setTokens, sumFeatures, weighFeatures,
} from './features';
import { power } from './functions';
import { multiplyPanels, packColumns } from './panels';
import { dot } from './product';
import { Across, Along, madd } from './tile';

let factor: usize = 0;
let hat: usize = 0;
let common: usize = 0;

/** q̃/c of a run of rows into `hat`, the factors that lead there from q into `factor` [rows, d], c into `common`. */
function prepare(q: usize, strideQ: i32, rowMax: usize, strideMax: i32, t: i32, rows: i32, first: i32, d: i32): void {
  const root = <f32>(1 / Math.sqrt(<f64>d));
  if (width) stateFactors(factor, t, t + rows, first);
  scaleRows(hat, q, strideQ, rows, d, factor, root);
  for (let r = 0; r < rows; r++) {
    const line = hat + (<usize>(r * d) << 2);
    const c = max(load<f32>(rowMax + (<usize>(r * strideMax) << 2)), sqrt<f32>(dot(d, line, line)));
    store<f32>(common + (<usize>r << 2), c);
    for (let i: usize = 0; i < <usize>d << 2; i += 4) store<f32>(line + i, c == 0 ? 0 : load<f32>(line + i) / c);
  }
}

/** What a row divides by, c^p or `total`; 0 where there is nothing. */
@inline
function rowScale(normalized: bool, total: f32, c: f32, p: i32): f32 {
  return normalized ? (total == 0 ? <f32>0 : 1 / total) : power(c, p);
}

export function queryState(
  begin: i32, end: i32, B: i32, T: i32, H: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32, D: i32, runs: usize,
  A: usize, starts: usize, gateWidth: i32, normalized: bool, q: usize, S: usize, Z: usize, num: usize, den: usize, rowMax: usize,
  y: usize, total: usize,
): void {
  rewind();
  const chunks = (T + chunk - 1) / chunk;
  const totals = take(TOKENS);
  if (S) {
    setGates(A, starts, gateWidth, B, T, G, p);
    setRuns(runs, p, d);
    setFeatures(e, false);
    factor = take(TOKENS * width);
    hat = take(TOKENS * d + 4);
    common = take(TOKENS);
  }
  for (let task = begin; task < end; task++) {
    const c = task % chunks;
    const h = (task / chunks) % H;
    const b = task / (chunks * H);
    const g = h / (H / G);
    const first = c * chunk;
    const last = min(T, first + chunk);
    const state = (b * chunks + c) * G + g;
    if (S) selectHead(b, g);
    // Rows behind a reset do not see the state.
    const seen = S ? stateEnd(first, last) : first;
    for (let t = first, rows = 0; t < last; t += rows) {
      const stated = t < seen;
      rows = min(TOKENS, (stated ? seen : last) - t);
      const token = (b * T + t) * H + h;
      if (stated) {
        prepare(q + (<usize>(token * d) << 2), H * d, rowMax + (<usize>token << 2), H, t, rows, first, d);
        setTokens(hat, rows);
        memory.fill(totals, 0, <usize>TOKENS << 2);
        for (let from = 0, feature = <usize>state * D; from < prefixes; ) {
          const to = prefixEnd(from);
          const count = countFeatures(from, to);
          embed(from, to);
          packColumns(e, count, S + ((feature * e) << 2), e, 1, panels);
          multiplyPanels<Across>(rows, e, count, phi, panels, y + (<usize>(token * e) << 2), H * e, from == 0);
          weighFeatures(count, Z + (feature << 2), totals);
          feature += count;
          from = to;
        }
      }
      for (let r = 0; r < rows; r++) {
        const at = token + r * H;
        const top = load<f32>(rowMax + (<usize>at << 2));
        const scale = stated ? load<f32>(common + (<usize>r << 2)) : top;
        const inside = scale == 0 ? <f32>0 : power(top / scale, p);
        let sum = load<f32>(den + (<usize>at << 2)) * inside;
        if (stated) sum += load<f32>(totals + (<usize>r << 2));
        store<f32>(total + (<usize>at << 2), sum);
        const out = <usize>(at * e) << 2;
        finish(y + out, num + out, e, inside, rowScale(normalized, sum, scale, p), stated);
      }
    }
  }
}

/** y = (num·inside + y)·scale, without y where there is no state. */
function finish(y: usize, num: usize, e: i32, inside: f32, scale: f32, state: bool): void {
  const insides = f32x4.splat(inside);
  const scales = f32x4.splat(scale);
  let i: usize = 0;
  for (const whole = <usize>(e & ~3) << 2; i < whole; i += 16) {
    const value = f32x4.mul(v128.load(num + i), insides);
    v128.store(y + i, f32x4.mul(state ? f32x4.add(value, v128.load(y + i)) : value, scales));
  }
  for (; i < <usize>e << 2; i += 4) {
    const value = load<f32>(num + i) * inside;
    store<f32>(y + i, (state ? value + load<f32>(y + i) : value) * scale);
  }
}

/** A task is one chunk of one key/value head: the gradient of its state comes from all query heads. */
export function queryStateBackward(
  begin: i32, end: i32, B: i32, T: i32, H: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32, D: i32, runs: usize,
  A: usize, starts: usize, gateWidth: i32, normalized: bool, q: usize, S: usize, Z: usize, rowMax: usize, y: usize, total: usize,
  dy: usize, dnum: usize, dden: usize, dq: usize, dS: usize, dZ: usize, dA: usize,
): void {
  rewind();
  const chunks = (T + chunk - 1) / chunk;
  const dAnswer = take(TOKENS * e);
  const dTotal = take(TOKENS);
  let dHat: usize = 0;
  let dSum: usize = 0;
  if (S) {
    setGates(A, starts, gateWidth, B, T, G, p);
    setRuns(runs, p, d);
    setFeatures(e, true);
    factor = take(TOKENS * width);
    hat = take(TOKENS * d + 4);
    common = take(TOKENS);
    dHat = take(TOKENS * d + 4);
    dSum = take(min(chunk, T) * width);
  }
  const root = <f32>(1 / Math.sqrt(<f64>d));
  const perGroup = H / G;
  for (let task = begin; task < end; task++) {
    const g = task % G;
    const c = (task / G) % chunks;
    const b = task / (chunks * G);
    const first = c * chunk;
    const last = min(T, first + chunk);
    const states = (<usize>task * D * e) << 2;
    const z = (<usize>task * D) << 2;
    if (S) {
      selectHead(b, g);
      memory.fill(dSum, 0, <usize>((last - first) * width) << 2);
      memory.fill(dS + states, 0, (<usize>D * e) << 2);
      memory.fill(dZ + z, 0, <usize>D << 2);
    }
    const seen = S ? stateEnd(first, last) : first;
    for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
      for (let t = first, rows = 0; t < last; t += rows) {
        const stated = t < seen;
        rows = min(TOKENS, (stated ? seen : last) - t);
        const token = (b * T + t) * H + h;
        if (stated) {
          memory.fill(dTotal, 0, <usize>TOKENS << 2);
          prepare(q + (<usize>(token * d) << 2), H * d, rowMax + (<usize>token << 2), H, t, rows, first, d);
          setTokens(hat, rows);
        }
        for (let r = 0; r < rows; r++) {
          const at = token + r * H;
          const top = load<f32>(rowMax + (<usize>at << 2));
          const over = stated ? load<f32>(common + (<usize>r << 2)) : top;
          const inside = over == 0 ? <f32>0 : power(top / over, p);
          const scale = rowScale(normalized, normalized ? load<f32>(total + (<usize>at << 2)) : 0, over, p);
          const row = <usize>(at * e) << 2;
          const line = dAnswer + (<usize>(r * e) << 2);
          let along: f64 = 0;
          for (let i: usize = 0; i < <usize>e << 2; i += 4) {
            const gradient = load<f32>(dy + row + i);
            along += <f64>gradient * <f64>load<f32>(y + row + i);
            store<f32>(line + i, scale * gradient);
            store<f32>(dnum + row + i, scale * gradient * inside);
          }
          const ofSum = normalized ? -(<f32>along * scale) : 0;
          store<f32>(dTotal + (<usize>r << 2), ofSum);
          store<f32>(dden + (<usize>at << 2), ofSum * inside);
        }
        if (!S) continue;
        if (!stated) {
          for (let r = 0; r < rows; r++) memory.fill(dq + (<usize>((token + r * H) * d) << 2), 0, <usize>d << 2);
          continue;
        }
        packColumns(e, rows, dAnswer, e, 1, panels);
        setAnswers(dAnswer, e, rows, e);
        clearGradients();
        for (let from = 0, feature: usize = 0; from < prefixes; ) {
          const to = prefixEnd(from);
          const count = countFeatures(from, to);
          const part = states + ((feature * e) << 2);
          embed(from, to);
          multiplyPanels<Along>(count, e, rows, phi, panels, dS + part, e, false);
          sumFeatures(count, dTotal, dZ + z + (feature << 2));
          embedBackward(from, to, rows, e, S + part, Z + z + (feature << 2), dTotal);
          feature += count;
          from = to;
        }
        finishGradients(rows, dHat);
        scaleRows(dHat, dHat, d, rows, d, factor, root);
        for (let r = 0; r < rows; r++) {
          const at = <usize>((token + r * H) * d) << 2;
          const line = dHat + (<usize>(r * d) << 2);
          const over = load<f32>(common + (<usize>r << 2));
          for (let i: usize = 0; i < <usize>d << 2; i += 4) store<f32>(line + i, over == 0 ? 0 : load<f32>(line + i) / over);
          memory.copy(dq + at, line, <usize>d << 2);
          if (width) addGradient(dSum, t + r - first, d, q + at, line, 1);
        }
      }
    }
    if (dA) storeGradient(dSum, first, last, dA);
  }
}

/** y += x·factor. */
export function addMultiple(n: i32, y: usize, x: usize, by: f32): void {
  const factors = f32x4.splat(by);
  let i: usize = 0;
  for (const whole = <usize>(n & ~3) << 2; i < whole; i += 16) v128.store(y + i, madd(v128.load(x + i), factors, v128.load(y + i)));
  for (; i < <usize>n << 2; i += 4) store<f32>(y + i, load<f32>(y + i) + load<f32>(x + i) * by);
}
