// A text as it is written, with what it takes.

import { generateText, type Session } from '@sympow/inference';
import { modelSize, type Model } from '@sympow/model';
import type { TextModel } from '@sympow/start';
import type { Wish, WritingEvent } from './messages';

/** Milliseconds from one event to the next: faster than that nobody reads. */
const interval = 40;

/** What a session takes, before more is written. */
export function standingOf({ config }: Model, { position, bytes }: Session): WritingEvent {
  const { cacheBytes } = modelSize(config, { batch: 1, context: Math.max(1, position) });
  return { type: 'writing', text: '', position, stateBytes: bytes, cacheBytes, tokensPerSecond: 0 };
}

/**
 * Goes on with a session after the prompt of the wish, whose text is the caller's to show.
 *
 * @throws ConfigError for a wish that is out of range; the signal's reason when aborted
 */
export async function* writingOf(
  { model, tokenizer }: TextModel,
  session: Session,
  { anew: _, ...wish }: Wish,
  signal: AbortSignal,
): AsyncGenerator<WritingEvent, void, undefined> {
  let text = '';
  let tokens = 0;
  const start = performance.now();
  let told = start;
  const event = (): WritingEvent => {
    const seconds = Math.max(1e-3, (performance.now() - start) / 1000);
    const written = text;
    text = '';
    return { ...standingOf(model, session), text: written, tokensPerSecond: tokens / seconds };
  };
  try {
    for await (const piece of generateText(model, tokenizer, { ...wish, session, signal })) {
      text += piece.text;
      if (piece.token !== undefined) tokens++;
      if (performance.now() - told < interval) continue;
      told = performance.now();
      yield event();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  yield event();
}
