// Induction: noise in which a mark stands once; when it comes again at the end, what followed it is due.
//
// Olsson et al.: "In-context Learning and Induction Heads", 2022 (arXiv 2209.11895); as a task: Fu et al.: "Hungry Hungry
// Hippos", 2022 (arXiv 2212.14052).
import { requireWhole } from '@sympow/core';
import type { Task } from './api';
import { choices, fill, pick, requireContext, wholeFrom, type Choice } from './draw';

/** Options of `induction`. */
export interface InductionOptions {
  /** How far before the answer it was told, at least 2 and at most T − 1; anywhere unless said otherwise. */
  distances?: Choice | undefined;
  /** Different letters of the noise, at least 1; 64 unless said otherwise. V is one more. */
  letters?: number | undefined;
}

const MARK = 0;

/**
 * Random letters, with the mark (0) at a distance before the end and at the end. The letter after the first mark is the
 * only answer.
 *
 * Conditions: none but the distance.
 *
 * @throws ConfigError for an option out of range
 *
 * @example
 * ```ts
 * const { tokens } = await induction({ distances: 4 }).example(7, new Random(1, 'example')); // … 0 x … … 0 x
 * ```
 */
export function induction({ distances, letters = 64 }: InductionOptions = {}): Task {
  const chosen = distances === undefined ? undefined : choices('distances', distances, wholeFrom(2));
  requireWhole('letters', letters, 1);
  return {
    name: 'induction',
    vocabSize: 1 + letters,
    example(context, random) {
      requireContext('induction', context, Math.max(3, ...(chosen ?? []).map((distance) => distance + 1)));
      const distance = chosen ? pick(chosen, random) : 2 + random.integer(context - 2);
      const tokens = fill(new Int32Array(context + 1), { first: 1, size: letters }, random);
      const at = context - 1;
      tokens[at] = tokens[at - distance] = MARK;
      tokens[at + 1] = tokens[at + 1 - distance]!;
      return { tokens, answers: [{ at, expected: tokens.subarray(at + 1), distance }], conditions: {} };
    },
  };
}
