/** Which tokens may follow, and what the kernel `sampleToken` makes of it. */

import { BackendError, ConfigError } from '@sympow/kernels';

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

/** Temperature, top-k, top-p and min-p, as `sampleToken` takes them. */
export type SamplingSettings = readonly [temperature: number, topK: number, topP: number, minP: number];

/** The most likely token, without a draw. */
export const greedy: SamplingSettings = [0, 1, 1, 0];

/** The options as numbers. @throws ConfigError for options out of range */
export function settingsOf(vocabSize: number, options: SamplingOptions): SamplingSettings {
  const { temperature = 1, topK = vocabSize, topP = 1, minP = 0 } = options;
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new ConfigError({ what: 'temperature', value: temperature, expected: 'a number of at least 0' });
  }
  if (!Number.isSafeInteger(topK) || topK < 1)
    throw new ConfigError({ what: 'topK', value: topK, expected: 'a whole number of at least 1' });
  if (!(topP > 0 && topP <= 1))
    throw new ConfigError({ what: 'topP', value: topP, expected: 'a number above 0 and at most 1' });
  if (!(minP >= 0 && minP <= 1)) throw new ConfigError({ what: 'minP', value: minP, expected: 'a number from 0 to 1' });
  return [temperature, Math.min(topK, vocabSize), topP, minP];
}

/** @throws BackendError where no token could be chosen, as logits were no numbers */
export function requireToken(choice: GeneratedToken): GeneratedToken {
  if (choice.token >= 0) return choice;
  throw new BackendError({
    what: 'a logit',
    value: NaN,
    expected: 'numbers',
    remedy: 'The weights may have diverged in training; use an earlier checkpoint.',
  });
}
