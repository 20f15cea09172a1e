// Copying: random letters, filler, a mark, and the same letters again.
//
// Arjovsky, Shah, Bengio: "Unitary Evolution Recurrent Neural Networks", 2016 (arXiv 1511.06464), after Hochreiter and
// Schmidhuber, 1997.
import { requireWhole } from '@sympow/core';
import type { Task, TaskAnswer } from './api';
import { choices, fill, pick, requireContext, wholeFrom, type Choice } from './draw';

/** Options of `copy`. */
export interface CopyOptions {
  /** n, letters to copy; 16 unless said otherwise. */
  lengths?: Choice | undefined;
  /** Different letters, at least 1; 64 unless said otherwise. V is two more. */
  letters?: number | undefined;
}

const FILLER = 0;
const MARK = 1;

/**
 * `x₁ … xₙ`, filler, the mark, and `x₁ … xₙ`, of which each letter is an answer of its own. In the vocabulary, 0 is filler,
 * 1 is the mark, and letters follow. The distance is what the context leaves: T − n + 1.
 *
 * Conditions: `letters`, which is n.
 *
 * @throws ConfigError for an option out of range
 *
 * @example
 * ```ts
 * const { tokens } = await copy({ lengths: 3 }).example(8, new Random(1, 'example')); // a b c 0 0 1 a b c
 * ```
 */
export function copy({ lengths = 16, letters = 64 }: CopyOptions = {}): Task {
  const counts = choices('lengths', lengths, wholeFrom(1));
  requireWhole('letters', letters, 1);
  return {
    name: 'copy',
    vocabSize: 2 + letters,
    example(context, random) {
      const n = pick(counts, random);
      requireContext('copy', context, 2 * n);
      const tokens = new Int32Array(context + 1).fill(FILLER);
      fill(tokens.subarray(0, n), { first: 2, size: letters }, random);
      const mark = context - n;
      tokens[mark] = MARK;
      tokens.copyWithin(mark + 1, 0, n);
      const answers = Array.from({ length: n }, (_, i): TaskAnswer => {
        const at = mark + i;
        return { at, expected: tokens.subarray(at + 1, at + 2), distance: mark + 1 };
      });
      return { tokens, answers, conditions: { letters: n } };
    },
  };
}
