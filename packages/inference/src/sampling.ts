/** Choosing a token from logits: temperature, top-k, top-p, min-p. */

import { BackendError, ConfigError, type Random } from '@sympow/kernels';

/** Which tokens may follow. Filters count after the temperature, and a token has to pass all of them. */
export interface SamplingOptions {
  /** Logits are divided by it; 0 takes the most likely token. Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens; default all. */
  readonly topK?: number;
  /** Only the fewest most likely tokens whose probabilities, among the `topK`, sum to at least this, in (0, 1]. Default 1. */
  readonly topP?: number;
  /** Only tokens at least this many times as likely as the most likely one, from 0 to 1. Default 0. */
  readonly minP?: number;
}

/** One generated token. */
export interface GeneratedToken {
  readonly token: number;
  /** Natural logarithm of the probability that the model gave it, before temperature and filters. */
  readonly logProbability: number;
}

/**
 * A function from logits to a token, which reuses its work space. Equal logits are ordered by token number, so that the
 * choice is the same on every engine. `from` is where the logits of this choice begin.
 *
 * @throws ConfigError for options out of range; the function itself throws BackendError for logits that are not numbers
 */
export function sampler(vocabSize: number, options: SamplingOptions) {
  const { temperature = 1, topK = vocabSize, topP = 1, minP = 0 } = options;
  check(temperature, topK, topP, minP);
  const filtered = topK < vocabSize || topP < 1 || minP > 0;
  const weights = new Float64Array(temperature === 0 ? 0 : vocabSize);
  const ranked = ranking(weights, filtered ? weights.length : 0);

  /** How many tokens pass, the most likely ones, and what they weigh together. */
  function pass(sum: number): { count: number; kept: number } {
    ranked.begin();
    const candidates = Math.min(topK, vocabSize);
    if (candidates < vocabSize && topP < 1) {
      sum = 0;
      for (let i = 0; i < candidates; i++) sum += weights[ranked.at(i)]!;
    }
    let [count, kept] = [0, 0];
    while (count < candidates && (count === 0 || kept < topP * sum)) {
      const weight = weights[ranked.at(count)]!;
      if (weight < minP) break;
      kept += weight;
      count++;
    }
    return { count, kept };
  }

  return (logits: ArrayLike<number>, random: Random, from = 0): GeneratedToken => {
    let best = 0;
    for (let i = 1; i < vocabSize; i++) if (logits[from + i]! > logits[from + best]!) best = i;
    const top = logits[from + best]!;
    let total = 0;
    let sum = 0;
    for (let i = 0; i < vocabSize; i++) {
      const below = logits[from + i]! - top;
      const weight = Math.exp(below);
      total += weight;
      if (temperature > 0) sum += weights[i] = temperature === 1 ? weight : Math.exp(below / temperature);
    }
    if (Number.isNaN(total)) {
      throw new BackendError({
        what: 'a logit',
        value: NaN,
        expected: 'numbers',
        remedy: 'The weights may have diverged in training; use an earlier checkpoint.',
      });
    }
    const chosen = (token: number) => ({ token, logProbability: logits[from + token]! - top - Math.log(total) });
    if (temperature === 0) return chosen(best);
    const { count, kept } = filtered ? pass(sum) : { count: vocabSize, kept: sum };
    let left = random.uniform() * kept;
    let place = 0;
    const tokenAt = (i: number) => (filtered ? ranked.at(i) : i);
    while (place < count - 1 && (left -= weights[tokenAt(place)]!) >= 0) place++;
    return chosen(tokenAt(place));
  };
}

/** The numbers 0 … size−1 by falling weight, equals by rising number. No more of them is sorted than is asked for. */
function ranking(weights: Float64Array, size: number) {
  // A heap of those that wait; behind it those that were taken, the first at the very end.
  const order = new Uint32Array(size);
  let waiting = size;
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
    begin(): void {
      waiting = size;
      for (let i = 0; i < size; i++) order[i] = i;
      for (let i = (size >> 1) - 1; i >= 0; i--) sink(i);
    },
    at(place: number): number {
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

function check(temperature: number, topK: number, topP: number, minP: number): void {
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new ConfigError({ what: 'temperature', value: temperature, expected: 'a number of at least 0' });
  }
  if (!Number.isSafeInteger(topK) || topK < 1)
    throw new ConfigError({ what: 'topK', value: topK, expected: 'a whole number of at least 1' });
  if (!(topP > 0 && topP <= 1))
    throw new ConfigError({ what: 'topP', value: topP, expected: 'a number above 0 and at most 1' });
  if (!(minP >= 0 && minP <= 1)) throw new ConfigError({ what: 'minP', value: minP, expected: 'a number from 0 to 1' });
}
