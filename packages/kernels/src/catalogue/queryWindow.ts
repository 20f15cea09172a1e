/**
 * Decoding: the newest token answered from the last keys and values and from the state before them; specification §6.
 *
 * It is one row of `powerAttention` and `queryState` together, with the gates summed backwards from the newest token.
 */

import { embedBatch } from '@sympow/embedding';
import { resetBelow, wholePower } from '../js/decay';
import { dotRow, product, rowMajor } from '../js/product';
import { scratch } from '../js/scratch';
import { floats, integers } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { atLeast1, normalizer, type Normalizer } from './options';

/** What `queryWindow` reads, is told and writes; its entry has the formula. */
export interface QueryWindowArgs {
  power: number;
  normalizer: Normalizer;
  /** [B, H, d]: the query of the newest token, row `count − 1` of its window. */
  q: Tensor;
  /** [B, C, G, d]: the last keys, oldest first; those from `count` on are not read. */
  k: Tensor;
  /** [B, C, G, e] */
  v: Tensor;
  /** [B, C, G] or [B, C, G, d] */
  logGate?: Tensor | undefined;
  /** [B] int32: tokens in the window of each row, taken as the nearer end of 0 … C where it lies outside. */
  count: Tensor;
  /** [B, G, D, e] and [B, G, D]: the state before the window. */
  S: Tensor;
  Z: Tensor;

  /** [B, H, e] */
  y: Tensor;
}

/** One token answered from the window and the state before it; for decoding, hence without a backward. */
export const queryWindow: Entry<QueryWindowArgs> = {
  reads: { q: 'B H d', k: 'B C G d', v: 'B C G e', 'logGate?': 'B C G [d]', count: 'B', S: 'B G D e', Z: 'B G D' },
  writes: { y: 'B H e' },
  integers: ['count'],
  wide: ['logGate'],
  options: { power: atLeast1, normalizer },
  roundings: 256,
};

/** What it means; the `js` backend runs it. */
export const queryWindowJs = {
  queryWindow: forward,
};

const decays = /* @__PURE__ */ scratch();
const sums = /* @__PURE__ */ scratch();
const scores = /* @__PURE__ */ scratch();
const queries = /* @__PURE__ */ scratch();
const features = /* @__PURE__ */ scratch();
const answers = /* @__PURE__ */ scratch();

function forward({ power, normalizer, q, k, v, logGate, count: counts, S, Z, y }: QueryWindowArgs): void {
  const [B, H, d] = q.shape as [number, number, number];
  const [, C, G] = k.shape as [number, number, number];
  const D = Z.shape[2] as number;
  const e = v.shape[3] as number;
  const vector = logGate?.shape.length === 4;
  const width = vector ? d : 1;
  const exponent = vector ? 1 : 1 / power;
  const [queryData, keyData, valueData, stateS, stateZ, out] = [
    floats(q),
    floats(k),
    floats(v),
    floats(S),
    floats(Z),
    floats(y),
  ];
  const gate = logGate && floats(logGate);
  // Row j: e^{A_newest − A_j}; row `count`: what is left of the state before the window.
  const decay = decays((C + 1) * width);
  const left = sums(width);
  for (let index = 0; index < B * G; index++) {
    const [b, g] = [Math.floor(index / G), index % G];
    const count = Math.max(0, Math.min(C, integers(counts)[b]!));
    left.fill(0, 0, width);
    // The oldest token that the newest sees, −1 where it sees the state.
    let first = count;
    for (let j = count - 1; j >= -1 && left.some((sum, i) => i < width && sum !== -Infinity); j--) {
      first = j;
      for (let i = 0; i < width; i++) decay[(j < 0 ? count : j) * width + i] = Math.exp(left[i]! * exponent);
      if (j < 0 || !gate) continue;
      for (let i = 0; i < width; i++) {
        const log = gate[((b * C + j) * G + g) * width + i]!;
        left[i] = log < resetBelow || left[i] === -Infinity ? -Infinity : left[i]! + log;
      }
    }
    for (let h = (g * H) / G; h < ((g + 1) * H) / G; h++) {
      const row = (b * H + h) * d;
      const score = scores(count);
      let max = 0;
      for (let j = Math.max(0, first); j < count; j++) {
        const key = ((b * C + j) * G + g) * d;
        let sum = 0;
        for (let i = 0; i < d; i++) {
          const kept = decay[j * width + (width === 1 ? 0 : i)]!;
          if (kept !== 0) sum += queryData[row + i]! * keyData[key + i]! * kept;
        }
        score[j] = sum / Math.sqrt(d);
        max = Math.max(max, Math.abs(score[j]!));
      }
      const query = queries(d).subarray(0, d);
      let square = 0;
      for (let i = 0; i < d; i++) {
        const kept = first < 0 ? decay[count * width + (width === 1 ? 0 : i)]! : 0;
        query[i] = kept === 0 ? 0 : (queryData[row + i]! * kept) / Math.sqrt(d);
        square += query[i]! * query[i]!;
      }
      const c = Math.max(max, Math.sqrt(square));
      const answer = answers(e).fill(0, 0, e);
      let total = 0;
      if (c > 0 && square > 0) {
        for (let i = 0; i < d; i++) query[i] = query[i]! / c;
        const phi = features(D).subarray(0, D);
        embedBatch(query, 1, { power, out: phi });
        product(1, e, D, rowMajor(phi, D), rowMajor(stateS, e, index * D * e), rowMajor(answer, e));
        total = dotRow(phi, 0, stateZ, index * D, D);
      }
      for (let j = Math.max(0, first); j < count; j++) {
        const weight = c === 0 ? 0 : wholePower(score[j]! / c, power);
        total += weight;
        const value = ((b * C + j) * G + g) * e;
        for (let i = 0; i < e; i++) answer[i] = answer[i]! + weight * valueData[value + i]!;
      }
      const scale = normalizer === 'none' ? wholePower(c, power) : total === 0 ? 0 : 1 / total;
      for (let i = 0; i < e; i++) out[(b * H + h) * e + i] = scale * answer[i]!;
    }
  }
}
