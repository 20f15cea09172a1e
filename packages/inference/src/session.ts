/**
 * A session: all that going on with a text takes. `generate` moves it on; `saveSession` and `loadSession` keep it in a file.
 * It is plain data around a memory, so that a program can keep one per conversation.
 */

import type { Random } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';

/** Where a text stands. `{ memory }` alone is one that begins where the memory stands. */
export interface Session {
  /** What the model remembers of the tokens that it has read. */
  readonly memory: ModelMemory;
  /** Tokens of the text that it has not read yet: the one that was answered last, or what an abort left of a prompt. */
  unread?: Int32Array | undefined;
  /** The random stream that tokens are drawn from, at the place of the next draw. */
  random?: Random | undefined;
  /** What the text that was shown has left open. */
  text?: OpenText | undefined;
}

/** The end of a text that may go on; see `TextStream`. */
export interface OpenText {
  /** Tokens that bring a new decoder to where the old one stood: those of a character that is not whole, and some before. */
  readonly tokens: readonly number[];
  /** Characters that were not shown, as a stop text may begin with them. */
  readonly held: string;
}

/** A session that has read nothing. */
export function beginSession(model: Model): Session {
  return { memory: model.memory() };
}
