// Multi-query associative recall: pairs of a key and a value, then keys again, after each of which its value is due.
//
// Arora, Eyuboglu, Timalsina, Johnson, Poli, Zou, Rudra, Ré: "Zoology: Measuring and Improving Recall in Efficient Language
// Models", 2023 (arXiv 2312.04927).
import { ConfigError, requireWhole, type Random } from '@sympow/core';
import type { Task, TaskAnswer } from './api';
import { choices, fill, pick, requireContext, wholeFrom, type Alphabet, type Choice } from './draw';

/** Options of `recall`. */
export interface RecallOptions {
  /** n, pairs in a sequence, at most as many as there are keys; 4, 8, 16 or 32 unless said otherwise. */
  pairs?: Choice | undefined;
  /** Keys that are asked for, at most n, each of another pair; n unless said otherwise. */
  queries?: number | undefined;
  /**
   * Filler between the last pair and the first query, in tokens. Queries then stand one behind another. Without it they are
   * strewn over all that is left of the sequence, at distances from the pairs whose octaves are equally likely.
   */
  gaps?: Choice | undefined;
  /**
   * Filler before the first pair, in tokens; none unless said otherwise. Models that always see the pairs in the same places may
   * learn the places.
   */
  lead?: Choice | undefined;
  /**
   * Whether a pair is told as one token instead of two; false unless said otherwise. What is asked is then only what the state
   * holds, and not whether a model has learned to look at the token before.
   */
  joined?: boolean | undefined;
  /** Different keys; 112 unless said otherwise. */
  keys?: number | undefined;
  /** Different values; 112 unless said otherwise. */
  values?: number | undefined;
  /** Different tokens of filler, at least 1; 32 unless said otherwise. V is the sum of the three, and keys · values where joined. */
  filler?: number | undefined;
}

/**
 * Filler, `k₁ v₁ … kₙ vₙ`, filler, and queries `kᵢ vᵢ` in random order. Keys of a sequence differ, values may not. In the
 * vocabulary, filler comes first, then keys, then values, then joined pairs.
 *
 * Conditions: `pairs`.
 *
 * @throws ConfigError for an option out of range
 *
 * @example
 * ```ts
 * const task = recall({ pairs: [4, 16], gaps: 100 });
 * const { tokens, answers } = await task.example(256, new Random(1, 'example'));
 * ```
 */
export function recall({
  pairs = [4, 8, 16, 32],
  queries,
  gaps,
  lead,
  joined = false,
  keys = 112,
  values = 112,
  filler = 32,
}: RecallOptions = {}): Task {
  for (const [what, value] of Object.entries({ keys, values, filler })) requireWhole(what, value, 1);
  const pairChoices = choices('pairs', pairs, (what, value) => {
    requireWhole(what, value, 1);
    if (value > keys) throw new ConfigError({ what, value, expected: `at most the ${keys} keys` });
  });
  if (queries !== undefined) requireWhole('queries', queries, 1);
  const gapChoices = gaps === undefined ? undefined : choices('gaps', gaps, wholeFrom(0));
  const leadChoices = lead === undefined ? undefined : choices('lead', lead, wholeFrom(0));
  if (typeof joined !== 'boolean') throw new ConfigError({ what: 'joined', value: joined, expected: 'true or false' });
  const noise: Alphabet = { first: 0, size: filler };
  const width = joined ? 1 : 2;

  return {
    name: 'recall',
    vocabSize: filler + keys + values + (joined ? keys * values : 0),
    example(context, random) {
      const n = pick(pairChoices, random);
      const asked = Math.min(queries ?? n, n);
      const gap = gapChoices ? pick(gapChoices, random) : 0;
      const first = leadChoices ? pick(leadChoices, random) : 0;
      const behind = first + width * n + gap;
      requireContext('recall', context, behind + 2 * asked - 1);
      const tokens = fill(new Int32Array(context + 1), noise, random);
      const key = random.permutation(keys).subarray(0, n);
      const value = Array.from(key, () => random.integer(values));
      const asTwo = (i: number) => [filler + key[i]!, filler + keys + value[i]!];
      const asOne = (i: number) => [filler + keys + values + key[i]! * values + value[i]!];
      for (let i = 0; i < n; i++) tokens.set(joined ? asOne(i) : asTwo(i), first + width * i);
      const order = random.permutation(n).subarray(0, asked);
      // Places of two tokens behind the pairs.
      const places = Math.floor((context + 1 - behind) / 2);
      const taken = gapChoices ? order.map((_, i) => i) : strew(asked, places, random);
      const answers = Array.from(order, (pair, i): TaskAnswer => {
        const at = behind + 2 * taken[i]!;
        tokens.set(asTwo(pair), at);
        const told = first + width * (pair + 1) - 1;
        return { at, expected: tokens.subarray(at + 1, at + 2), distance: at + 1 - told };
      });
      return { tokens, answers: answers.sort((a, b) => a.at - b.at), conditions: { pairs: n } };
    },
  };
}

/** Different places, the octaves [1, 2), [2, 4) … of place + 1 equally likely as far as they have room. */
function strew(count: number, places: number, random: Random): Uint32Array {
  const taken = new Set<number>();
  const octaves = 32 - Math.clz32(places);
  while (taken.size < count) {
    const low = 2 ** random.integer(octaves);
    let place = low + random.integer(Math.min(low, places + 1 - low)) - 1;
    while (taken.has(place)) place = (place + 1) % places;
    taken.add(place);
  }
  return Uint32Array.from(taken);
}
