/** Generation of text: a prompt is encoded, tokens become characters, stop texts end it, and a session goes on from there. */

import type { Model } from '@sympow/model';
import { generate } from './generate';
import type { GeneratedToken, SamplingOptions } from './sampling';
import { Session } from './session';
import { endText, Writing, type TextTokenizer } from './writing';

/** What to write and when to stop. */
export interface GenerateTextOptions extends SamplingOptions {
  /** Text to begin with, or its tokens. May be left out where a session goes on. */
  readonly prompt?: string | ArrayLike<number> | undefined;
  /** Most tokens to generate; default unlimited. */
  readonly maxTokens?: number | undefined;
  /** Texts before which the text ends, see `TextStream`, and tokens that end it. */
  readonly stop?: readonly (string | number)[] | undefined;
  /** As `GenerateOptions.seed`. */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * As `GenerateOptions.session`. What is not decided when the text ends stays in it: a character that is not whole, and
   * the beginning of a stop text. `endText` asks for it; where the session goes on without a prompt, it comes first. So a text
   * that is cut anywhere and gone on with is the text that was not cut. After a stop text the session has read on to the token
   * in which the stop text ended. Without a session, all comes at the end.
   */
  readonly session?: Session | undefined;
}

/** A piece of text. */
export interface GeneratedText extends Partial<GeneratedToken> {
  /** Characters that come with this token, maybe none; a piece without a token is what was held back. */
  readonly text: string;
}

/**
 * Yields text until `maxTokens`, a stop or an abort, one piece per token.
 *
 * @throws ConfigError for an empty stop text, or as `generate` does
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * let answer = '';
 * for await (const { text } of generateText(model, tokenizer, { prompt: 'Q: Why?\nA:', stop: ['\n'] })) answer += text;
 * ```
 */
export async function* generateText(
  model: Model,
  tokenizer: TextTokenizer,
  { prompt = '', stop = [], session: given, ...options }: GenerateTextOptions = {},
): AsyncGenerator<GeneratedText, void, undefined> {
  const session = given ?? new Session(model);
  try {
    const writing = new Writing(tokenizer, session, prompt, textsOf(stop));
    const first = writing.begin();
    if (first !== '') yield { text: first };
    if (writing.stopped) return;
    const wanted = { ...options, prompt: writing.prompt, stop: tokensOf(stop), session };
    for await (const choice of generate(model, wanted)) {
      yield { ...choice, text: writing.push(choice.token) };
      if (writing.stopped) return;
    }
    if (given) return;
    const text = endText(tokenizer, session);
    if (text !== '') yield { text };
  } finally {
    if (!given) session.dispose();
  }
}

/** Of what ends a text, the texts. */
export function textsOf(stop: readonly (string | number)[]): readonly string[] {
  return stop.filter((each) => typeof each === 'string');
}

/** Of what ends a text, the tokens. */
export function tokensOf(stop: readonly (string | number)[]): readonly number[] {
  return stop.filter((each) => typeof each === 'number');
}
