// What the tasks draw from and how they check it: choices of a number, and filler.
import { ConfigError, requireWhole, type Random } from '@sympow/core';

/** One number, or several of which each example takes one. */
export type Choice = number | readonly number[];

/** The numbers of a choice. @throws ConfigError if there is none, or one does not hold */
export function choices(what: string, choice: Choice, check: (what: string, value: number) => void): readonly number[] {
  const values = typeof choice === 'number' ? [choice] : choice;
  if (!Array.isArray(values) || values.length === 0) {
    throw new ConfigError({ what, value: choice, expected: 'a number, or a list of at least one' });
  }
  for (const value of values as number[]) check(what, value);
  return values as number[];
}

/** Checks a whole number of at least `least`; for {@link choices}. */
export function wholeFrom(least: number): (what: string, value: number) => void {
  return (what, value) => requireWhole(what, value, least);
}

/** One of several, each equally likely. */
export function pick<X>(values: readonly X[], random: Random): X {
  return values[random.integer(values.length)]!;
}

/** Consecutive ids of a vocabulary that mean the same kind of thing. */
export interface Alphabet {
  readonly first: number;
  readonly size: number;
}

/** Fills an array with letters, each equally likely. */
export function fill(array: Int32Array, { first, size }: Alphabet, random: Random): Int32Array {
  for (let i = 0; i < array.length; i++) array[i] = first + random.integer(size);
  return array;
}

/** @throws ConfigError if T predictions are too few for a task */
export function requireContext(task: string, context: number, least: number): void {
  requireWhole('context', context, 1);
  if (context >= least) return;
  throw new ConfigError({
    what: 'context',
    value: context,
    expected: `at least ${least} for this ${task} task`,
    remedy: 'Use a longer context or a smaller task.',
  });
}
