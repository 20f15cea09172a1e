/** What goes on with a text: the tokens that are wanted next, how they are chosen, and where it ends. */

import { ConfigError, Random } from '@sympow/kernels';
import type { Standing } from './session';
import { requireToken, settingsOf, type GeneratedToken, type SamplingOptions, type SamplingSettings } from './sampling';

/** What it moves on. */
type Drawing = Pick<Standing, 'unread' | 'random'>;

/** What to generate and when to stop. */
export interface ContinuationOptions extends SamplingOptions {
  /** Tokens to begin with; at least one, or none where a session has a token to go on from. */
  readonly prompt?: ArrayLike<number> | undefined;
  /** Most tokens to generate; default unlimited. */
  readonly maxTokens?: number | undefined;
  /** Of the draws; 0 unless said otherwise. A session goes on in its random stream if that has this seed, or none is given. */
  readonly seed?: number | undefined;
  /** Tokens that end the text; the one found is not yielded. */
  readonly stop?: readonly number[] | undefined;
}

/** One text on its way. Nothing of where it stands is changed before `begin`. */
export class Continuation {
  /** Tokens that may still come. */
  left: number;
  /** How the next token is chosen. */
  readonly settings: SamplingSettings;
  /** What it is drawn from. */
  readonly random: Random;
  private readonly stop: readonly number[];
  private readonly prompt: ArrayLike<number>;

  /** @throws ConfigError for no token to begin with, tokens outside the vocabulary, or options out of range */
  constructor(
    vocabSize: number,
    { prompt = [], maxTokens = Infinity, seed, stop = [], ...sampling }: ContinuationOptions,
    standing: (Drawing & { readonly position: number }) | undefined,
  ) {
    if (prompt.length === 0 && !standing?.unread?.length) {
      throw new ConfigError({
        what: 'the prompt',
        value: [],
        message: standing?.position ? 'the session has no token to go on from' : 'the prompt is empty',
        expected: 'at least one token',
        remedy: 'Begin with a line break.',
      });
    }
    checkTokens(prompt, vocabSize);
    if (!(maxTokens >= 0))
      throw new ConfigError({ what: 'maxTokens', value: maxTokens, expected: 'a number of at least 0' });
    this.settings = settingsOf(vocabSize, sampling);
    const drawn = standing?.random;
    this.random = drawn && (seed ?? drawn.seed) === drawn.seed ? drawn : new Random(seed ?? 0, 'sampling');
    [this.prompt, this.stop, this.left] = [prompt, stop, maxTokens];
  }

  /** Puts the prompt behind what is unread. */
  begin(standing: Drawing): Int32Array {
    const before = standing.unread ?? [];
    const unread = new Int32Array(before.length + this.prompt.length);
    unread.set(before);
    unread.set(this.prompt, before.length);
    standing.random = this.random;
    standing.unread = unread;
    return unread;
  }

  /**
   * Takes the token that was chosen, which is unread from here on; nothing where it ends the text.
   *
   * @throws BackendError where none could be
   */
  take(standing: Drawing, chosen: GeneratedToken): GeneratedToken | undefined {
    const choice = requireToken(chosen);
    standing.unread = Int32Array.of(choice.token);
    this.left--;
    return this.stop.includes(choice.token) ? undefined : choice;
  }
}

function checkTokens(prompt: ArrayLike<number>, vocabSize: number): void {
  for (let i = 0; i < prompt.length; i++) {
    const token = prompt[i]!;
    if (Number.isSafeInteger(token) && token >= 0 && token < vocabSize) continue;
    throw new ConfigError({
      what: `token ${i} of the prompt`,
      value: token,
      expected: `a whole number from 0 to ${vocabSize - 1}`,
    });
  }
}
