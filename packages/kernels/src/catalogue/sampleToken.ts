/** Choosing a token from logits: temperature, top-k, top-p, min-p, by numbers that depend on nothing but seed and place. */

import { philox4x32 } from '@sympow/core';
import { floats, integers } from '../js/tensor';
import { scratch } from '../js/scratch';
import type { Floats } from '../js/product';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

/** What `sampleToken` reads, is told and writes; its entry has the formula. */
export interface SampleTokenArgs {
  /** [B, V] */
  logits: Tensor;
  /**
   * [B, 4]: temperature, top-k, top-p and min-p of each row. Filters count after the temperature, and a token has to pass all of
   * them; V or more, 1 and 0 let all pass. Temperature 0 takes the most likely token.
   */
  settings: Tensor;

  /**
   * [B, 6] int32: the generator of each row, as `Random.toWords` gives it. A draw moves it on, as `Random.uniform` does; where the
   * temperature is 0 there is none.
   */
  random: Tensor;
  /** [B] int32: the token, of equally likely ones the first; −1 where logits are not numbers. */
  ids: Tensor;
  /** Log softmax of the token's logit, before temperature and filters, [B]. */
  logProbability?: Tensor | undefined;
}

/** A token of each row of logits, drawn after its temperature, top-k, top-p and min-p, or the most likely one. */
export const sampleToken: Entry<SampleTokenArgs> = {
  reads: { logits: 'B V', settings: 'B 4' },
  writes: { random: 'B 6', ids: 'B', 'logProbability?': 'B' },
  integers: ['random', 'ids'],
  wide: ['settings', 'logProbability'],
  roundings: { random: 0, ids: 0, logProbability: 64 },
};

/** What it means; the `js` backend runs it. */
export const sampleTokenJs = {
  sampleToken({ logits, settings, random, ids, logProbability }: SampleTokenArgs): void {
    drawTokens({
      ...{ logits: floats(logits), settings: floats(settings), random: integers(random), ids: integers(ids) },
      ...{ logProbability: logProbability && floats(logProbability), V: logits.shape[1]! },
    });
  },
};

/** The numbers of the tensors of a call of `sampleToken`. */
export interface TokenDraws {
  readonly logits: Floats;
  readonly settings: Floats;
  readonly random: Int32Array;
  readonly ids: Int32Array;
  readonly logProbability?: Floats | undefined;
  readonly V: number;
}

/** The kernel over arrays: for backends that have nothing better. */
export function drawTokens({ logits, settings, random, ids, logProbability, V }: TokenDraws): void {
  for (let row = 0; row < ids.length; row++) {
    const temperature = settings[4 * row]!;
    const [topK, topP, minP] = [settings[4 * row + 1]!, settings[4 * row + 2]!, settings[4 * row + 3]!];
    const from = row * V;
    let best = 0;
    for (let i = 1; i < V; i++) if (logits[from + i]! > logits[from + best]!) best = i;
    const top = logits[from + best]!;
    const drawn = temperature > 0;
    const weights = weightsOf(drawn ? V : 0);
    let [total, sum] = [0, 0];
    for (let i = 0; i < V; i++) {
      const below = logits[from + i]! - top;
      const weight = Math.exp(below);
      total += weight;
      if (drawn) sum += weights[i] = temperature === 1 ? weight : Math.exp(below / temperature);
    }
    const right = total >= 1;
    const uniform = drawn ? nextUniform(random, 6 * row) : 0;
    let token = right ? best : -1;
    if (right && drawn) {
      const filtered = topK < V || topP < 1 || minP > 0;
      token = filtered ? drawRanked(weights, V, sum, topK, topP, minP, uniform) : drawAny(weights, V, sum * uniform);
    }
    ids[row] = token;
    if (logProbability) logProbability[row] = right ? logits[from + token]! - top - Math.log(total) : NaN;
  }
}

function drawAny(weights: Float64Array, V: number, left: number): number {
  let token = 0;
  while (token < V - 1 && (left -= weights[token]!) >= 0) token++;
  return token;
}

function drawRanked(
  weights: Float64Array,
  V: number,
  sum: number,
  topK: number,
  topP: number,
  minP: number,
  uniform: number,
): number {
  const { at } = ranked;
  ranked.begin(weights, V);
  const candidates = Math.min(topK, V);
  if (candidates < V && topP < 1) {
    sum = 0;
    for (let i = 0; i < candidates; i++) sum += weights[at(i)]!;
  }
  let [count, kept] = [0, 0];
  while (count < candidates && (count === 0 || kept < topP * sum)) {
    const weight = weights[at(count)]!;
    if (weight < minP) break;
    kept += weight;
    count++;
  }
  let left = uniform * kept;
  let place = 0;
  while (place < count - 1 && (left -= weights[at(place)]!) >= 0) place++;
  return at(place);
}

/** As `Random.uniform`: 53 bits, from the words of two places. The generator's own begin at `at`. */
function nextUniform(words: Int32Array, at: number): number {
  const position = (words[at + 2]! >>> 0) + 2 ** 32 * words[at + 3]!;
  const place = position % 4;
  drawBlock(words, at, Math.floor(position / 4));
  const high = block[place]! >>> 5;
  if (place === 3) drawBlock(words, at, Math.floor(position / 4) + 1);
  const low = block[(place + 1) % 4]! >>> 6;
  words[at + 2] = (position + 2) | 0;
  words[at + 3] = Math.floor((position + 2) / 2 ** 32);
  return (high * 2 ** 26 + low) / 2 ** 53;
}

const block = /* @__PURE__ */ new Uint32Array(4);
const key = /* @__PURE__ */ new Uint32Array(2);

/** The four words of a block of a generator. */
function drawBlock(words: Int32Array, at: number, count: number): void {
  block[0] = count;
  block[1] = count / 2 ** 32;
  for (let i = 0; i < 2; i++) {
    key[i] = words[at + i]!;
    block[2 + i] = words[at + 4 + i]!;
  }
  philox4x32(block, key, block);
}

const weightsOf = /* @__PURE__ */ scratch();
const ranked = /* @__PURE__ */ ranking();

/** The numbers 0 … size−1 by falling weight, equals by rising number. No more of them is sorted than is asked for. */
function ranking() {
  // A heap of those that wait; behind it those that were taken, the first at the very end.
  let order = new Uint32Array(0);
  let weights: Float64Array = new Float64Array(0);
  let [size, waiting] = [0, 0];
  const before = (a: number, b: number) => weights[a]! > weights[b]! || (weights[a]! === weights[b]! && a < b);

  function sink(at: number): void {
    const moved = order[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= waiting) break;
      if (child + 1 < waiting && before(order[child + 1]!, order[child]!)) child++;
      if (!before(order[child]!, moved)) break;
      order[at] = order[child]!;
      at = child;
    }
    order[at] = moved;
  }

  return {
    begin(of: Float64Array, count: number): void {
      if (order.length < count) order = new Uint32Array(count);
      [weights, size, waiting] = [of, count, count];
      for (let i = 0; i < size; i++) order[i] = i;
      for (let i = (size >> 1) - 1; i >= 0; i--) sink(i);
    },
    at(this: void, place: number): number {
      while (size - waiting <= place) {
        waiting--;
        const first = order[0]!;
        order[0] = order[waiting]!;
        order[waiting] = first;
        sink(0);
      }
      return order[size - 1 - place]!;
    },
  };
}
