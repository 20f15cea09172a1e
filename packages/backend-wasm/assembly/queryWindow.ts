// Decoding: the newest token answered from the last keys and values and from the state before them. A task is one
// key/value head.

import { rewind, take } from './arena';
import { rowDot } from './discountedSum';
import { exp } from './doubles';
import { embedVector, monomials, setRuns } from './embedding';
import { power } from './functions';
import { dot, product } from './product';
import { addMultiple } from './queryState';

const RESET_BELOW: f32 = -87;

export function queryWindow(
  begin: i32, end: i32, H: i32, G: i32, C: i32, d: i32, e: i32, p: i32, D: i32, runs: usize, gateWidth: i32, normalized: bool,
  q: usize, k: usize, v: usize, logGate: usize, counts: usize, S: usize, Z: usize, y: usize,
): void {
  rewind();
  setRuns(runs, p, d);
  // Row j: e^{A_newest − A_j}; row C: what is left of the state before the window.
  const width = abs(gateWidth);
  const decay = take((C + 1) * width);
  const left = take(2 * width);
  const scores = take(C);
  const query = take(d + 4);
  const phi = take(D + 4);
  const powers = take(monomials);
  const exponent: f64 = gateWidth < 0 ? 1 / <f64>p : 1;
  const root = <f32>(1 / Math.sqrt(<f64>d));
  const perGroup = H / G;
  for (let index = begin; index < end; index++) {
    const b = index / G;
    const g = index % G;
    const count = max(0, min(C, load<i32>(counts + (<usize>b << 2))));
    memory.fill(left, 0, <usize>width << 3);
    // The oldest token that the newest sees, −1 where it sees the state.
    let oldest = count;
    for (let j = count - 1, more = true; more && j >= -1; j--) {
      oldest = j;
      more = false;
      const row = decay + (<usize>((j < 0 ? C : j) * width) << 2);
      for (let i = 0; i < width; i++) {
        const at = left + (<usize>i << 3);
        const sum = load<f64>(at);
        store<f32>(row + (<usize>i << 2), <f32>exp(sum * exponent));
        if (j < 0) continue;
        const log: f32 = logGate ? load<f32>(logGate + (<usize>(((b * C + j) * G + g) * width + i) << 2)) : 0;
        const kept: f64 = log < RESET_BELOW || sum == -Infinity ? -Infinity : sum + <f64>log;
        store<f64>(at, kept);
        if (kept != -Infinity) more = true;
      }
    }
    for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
      const own = q + (<usize>((b * H + h) * d) << 2);
      let top: f32 = 0;
      for (let j = max(0, oldest); j < count; j++) {
        const key = k + (<usize>(((b * C + j) * G + g) * d) << 2);
        const factor = decay + (<usize>(j * width) << 2);
        const score = root * (width == 1 ? dot(d, own, key) * load<f32>(factor) : weightedDot(d, own, key, factor));
        store<f32>(scores + (<usize>j << 2), score);
        top = max(top, abs(score));
      }
      const factor = decay + (<usize>(C * width) << 2);
      let square: f32 = 0;
      for (let i = 0; i < d; i++) {
        const f: f32 = oldest < 0 ? load<f32>(factor + (<usize>(width == 1 ? 0 : i) << 2)) : 0;
        const value: f32 = f == 0 ? 0 : load<f32>(own + (<usize>i << 2)) * f * root;
        store<f32>(query + (<usize>i << 2), value);
        square += value * value;
      }
      const c = max(top, sqrt<f32>(square));
      const out = y + (<usize>((b * H + h) * e) << 2);
      let total: f64 = 0;
      if (c > 0 && square > 0) {
        for (let i: usize = 0; i < <usize>d << 2; i += 4) store<f32>(query + i, load<f32>(query + i) / c);
        embedVector(query, phi, powers);
        product(1, e, D, phi, D, 1, S + ((<usize>index * D * e) << 2), e, 1, out, e, false);
        total = rowDot(D, phi, Z + ((<usize>index * D) << 2));
      } else {
        memory.fill(out, 0, <usize>e << 2);
      }
      for (let j = max(0, oldest); j < count; j++) {
        const weight = c == 0 ? <f32>0 : power(load<f32>(scores + (<usize>j << 2)) / c, p);
        total += <f64>weight;
        addMultiple(e, out, v + (<usize>(((b * C + j) * G + g) * e) << 2), weight);
      }
      const scale = normalized ? (total == 0 ? <f32>0 : <f32>(1 / total)) : power(c, p);
      for (let i: usize = 0; i < <usize>e << 2; i += 4) store<f32>(out + i, load<f32>(out + i) * scale);
    }
  }
}

function weightedDot(d: i32, a: usize, b: usize, factor: usize): f32 {
  let sum: f32 = 0;
  for (let i: usize = 0; i < <usize>d << 2; i += 4) sum += load<f32>(a + i) * load<f32>(b + i) * load<f32>(factor + i);
  return sum;
}
