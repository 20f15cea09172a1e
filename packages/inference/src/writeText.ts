/** Generated text as it is shown to somebody: written piece by piece, with how fast it came. */

import type { Model } from '@sympow/model';
import { generateText, type GenerateTextOptions } from './generateText';
import type { Session } from './session';
import { endText, type TextTokenizer } from './writing';

/** What `writeText` needs beside the model. */
export interface WriteTextOptions extends GenerateTextOptions {
  readonly session: Session;
  /** Whether what the end of the text has left open stays in the session; else it is written. Default `false`. */
  readonly open?: boolean;
  /** Ends the text; what was written until then is returned. */
  readonly signal?: AbortSignal | undefined;
  /** Receives the text as it comes. */
  readonly write: (text: string) => void;
}

/** What was written. */
export interface WrittenText {
  readonly text: string;
  /** Written, and how fast after the first one; null for fewer than two. */
  readonly tokens: number;
  readonly tokensPerSecond: number | null;
  /** Read of the prompt, and how fast until the first token came; null for none. */
  readonly promptTokens: number;
  readonly promptTokensPerSecond: number | null;
  /** Bytes of the session's memory at the end. */
  readonly stateBytes: number;
}

/** Generates text piece by piece, until it ends or the signal aborts. @throws as `generateText` does, but for an abort */
export async function writeText(
  model: Model,
  tokenizer: TextTokenizer,
  { write, open = false, ...options }: WriteTextOptions,
): Promise<WrittenText> {
  const { prompt = '', session, signal } = options;
  const start = performance.now();
  let first: number | undefined;
  let tokens = 0;
  let text = '';
  const show = (piece: string) => {
    if (piece !== '') write(piece);
    text += piece;
  };
  try {
    for await (const piece of generateText(model, tokenizer, options)) {
      if (piece.token !== undefined) tokens++;
      if (tokens > 0) first ??= performance.now();
      show(piece.text);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
  const end = performance.now();
  if (!open) show(endText(tokenizer, session));
  const promptTokens = (typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt).length;
  const speed = (count: number, from: number, to: number) => (count > 0 ? (1000 * count) / (to - from) : null);
  return {
    ...{ text, tokens, tokensPerSecond: speed(tokens - 1, first ?? end, end) },
    ...{ promptTokens, promptTokensPerSecond: speed(promptTokens, start, first ?? end) },
    stateBytes: session.bytes,
  };
}
