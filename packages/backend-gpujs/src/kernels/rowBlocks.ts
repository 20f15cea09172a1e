/**
 * Scores exist for a block of query rows at a time, so that T×T numbers never do. A result that several blocks write is made
 * anew by each of them: its own rows, or its own part of a sum, and what was there before for the rest.
 */

import type { Machine } from '../machine';
import type { Storage } from '../storage';

/** Scores that are held at once, in numbers: 16 MiB. */
const mostScores = 2 ** 22;

/**
 * Runs `body` for the first row of each block of `rows` rows; at least once, so that every output is written. What it makes
 * is given back after each block, but for what it returns.
 */
export function everyBlock(
  machine: Machine,
  T: number,
  scoresPerRow: number,
  body: (from: number, rows: number) => readonly Storage[] | void,
): void {
  const rows = Math.max(1, Math.min(T, Math.floor(mostScores / (scoresPerRow || 1))));
  for (let from = 0; from === 0 || from < T; from += rows) machine.block(() => body(from, rows) ?? []);
}
