/** Generation of text: a prompt is encoded, tokens become characters, stop texts end it, and a session goes on from there. */

import type { Model } from '@sympow/model';
import { generate } from './generate';
import type { GeneratedToken, SamplingOptions } from './sampling';
import { beginSession, type Session } from './session';
import { TextStream, type TokenDecoder } from './textStream';

/** What text needs of a tokenizer; those of `@sympow/data` have it. */
export interface TextTokenizer {
  encode(text: string): Int32Array;
  decoder(): TokenDecoder;
}

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
  const stops = stop.filter((each) => typeof each === 'string');
  const tokens = typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt;
  const streamFrom = (session: Session) => new TextStream(tokenizer.decoder(), stops, session.text);
  const session = given ?? beginSession(model);
  try {
    if (tokens.length > 0) {
      const text = endText(tokenizer, session);
      if (text !== '') yield { text };
      session.text = { tokens: typeof prompt === 'string' ? encodeEnd(tokenizer, prompt) : [], held: '' };
    }
    const stream = streamFrom(session);
    const first = stream.begin();
    session.text = stream.open();
    if (first !== '') yield { text: first };
    if (stream.stopped) return;
    const stopTokens = stop.filter((each) => typeof each === 'number');
    for await (const choice of generate(model, { ...options, prompt: tokens, stop: stopTokens, session })) {
      const text = stream.push(choice.token);
      session.text = stream.open();
      yield { ...choice, text };
      if (stream.stopped) return;
    }
    if (given) return;
    const text = stream.end();
    if (text !== '') yield { text };
  } finally {
    if (!given) session.memory.dispose();
  }
}

/** The characters that a session holds back, given up: U+FFFD stands for one that is not whole. */
export function endText(tokenizer: TextTokenizer, session: Session): string {
  const text = new TextStream(tokenizer.decoder(), [], session.text).end();
  session.text = undefined;
  return text;
}

/** Tokens of the end of a text: what follows may be spelt by what stands before it, as a space between two words. */
function encodeEnd(tokenizer: TextTokenizer, text: string): readonly number[] {
  return Array.from(tokenizer.encode(text.slice(-64).replace(/^[\uDC00-\uDFFF]/, '')));
}
