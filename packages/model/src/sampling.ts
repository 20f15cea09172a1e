/** Choosing a token from logits: temperature, top-k, top-p. */

import { BackendError, ConfigError, type Random } from '@sympow/kernels';

export interface SamplingOptions {
  /** Logits are divided by it; 0 takes the most likely token. Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens; default all. */
  readonly topK?: number;
  /** Only the fewest most likely tokens whose probabilities sum to at least this, in (0, 1]. Default 1. */
  readonly topP?: number;
}

/** One generated token. */
export interface GeneratedToken {
  readonly token: number;
  /** Natural logarithm of the probability that the model gave it, before temperature and filters. */
  readonly logProbability: number;
}

/**
 * A function from logits to a token, which reuses its work space. Equal logits are ordered by token number, so that the
 * choice is the same on every engine.
 *
 * @throws ConfigError for options out of range; the function itself throws BackendError for logits that are not numbers
 */
export function sampler(vocabSize: number, { temperature = 1, topK = vocabSize, topP = 1 }: SamplingOptions) {
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new ConfigError({ what: 'temperature', value: temperature, expected: 'a number of at least 0' });
  }
  if (!Number.isSafeInteger(topK) || topK < 1)
    throw new ConfigError({ what: 'topK', value: topK, expected: 'a whole number of at least 1' });
  if (!(topP > 0 && topP <= 1))
    throw new ConfigError({ what: 'topP', value: topP, expected: 'a number above 0 and at most 1' });
  const order = new Uint32Array(vocabSize);
  const weights = new Float64Array(vocabSize);
  const filtered = topK < vocabSize || topP < 1;

  return (logits: ArrayLike<number>, random: Random): GeneratedToken => {
    let best = 0;
    for (let i = 1; i < vocabSize; i++) if (logits[i]! > logits[best]!) best = i;
    const top = logits[best]!;
    let total = 0;
    for (let i = 0; i < vocabSize; i++) total += Math.exp(logits[i]! - top);
    if (Number.isNaN(total)) {
      throw new BackendError({
        what: 'a logit',
        value: NaN,
        expected: 'numbers',
        remedy: 'The weights may have diverged in training; use an earlier checkpoint.',
      });
    }
    const logProbability = (token: number) => logits[token]! - top - Math.log(total);
    if (temperature === 0) return { token: best, logProbability: logProbability(best) };

    for (let i = 0; i < vocabSize; i++) {
      order[i] = i;
      weights[i] = Math.exp((logits[i]! - top) / temperature);
    }
    if (filtered) order.sort((a, b) => weights[b]! - weights[a]! || a - b);
    const candidates = Math.min(topK, vocabSize);
    let sum = 0;
    for (let i = 0; i < candidates; i++) sum += weights[order[i]!]!;
    let count = 0;
    let kept = 0;
    while (count < candidates && (count === 0 || kept < topP * sum)) kept += weights[order[count++]!]!;
    let left = random.uniform() * kept;
    let chosen = 0;
    while (chosen < count - 1 && (left -= weights[order[chosen]!]!) >= 0) chosen++;
    const token = order[chosen]!;
    return { token, logProbability: logProbability(token) };
  };
}
