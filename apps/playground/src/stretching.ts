// Long texts read far beyond the context of training: by a model, and by one with softmax that was trained on the same text.

import { evaluationStreams, heldOut, textSource, type Tokenizer } from '@sympow/data';
import { lossByPosition, type LossEvent } from '@sympow/evaluation';
import type { Backend } from '@sympow/kernels';
import { variants, type Model } from '@sympow/model';
import type { StretchEvent, Text, TwinEvent, Plan, Reader } from './messages';
import { freshModel, runOf } from './run';
import { moreStories, sampleText } from './sample';

/** Tokens that are read at once: a point of the curve each. */
const piece = 64;
/** Tokens of all streams together, beyond which there are fewer of them. */
const mostTokens = 2 ** 16;
const mostStreams = 4;

/** What is read, and whether a model that learnt from the text has seen it. */
export interface LongText {
  readonly text: string;
  readonly seen: boolean;
}

/** Text for streams of `length` tokens: more stories, or what was held out of a text, or all of it where that is too short. */
export function longText({ name, text }: Text, tokenizer: Tokenizer, length: number): LongText {
  const sample = sampleText();
  if (name === sample.name && text === sample.text) {
    return { text: moreStories((length + 1) * streamsOf(length)), seen: false };
  }
  const whole = tokenizer.encode(text);
  const { heldOut: held } = heldOut(textSource(text, { tokenizer, name }));
  if (held.tokenCount > length) {
    const tail = whole.slice(whole.length - held.tokenCount);
    return { text: tokenizer.decode(tail), seen: false };
  }
  return { text, seen: true };
}

const streamsOf = (length: number) => Math.max(1, Math.min(mostStreams, Math.floor(mostTokens / length)));

/** Trains a model with softmax as `plan` has it in all else. The model is the caller's. */
export async function* trainTwin(
  backend: Backend,
  plan: Plan,
  tokenizer: Tokenizer,
  signal: AbortSignal,
): AsyncGenerator<TwinEvent, Model | undefined, undefined> {
  const twin = freshModel(backend, { ...plan, model: { ...plan.model, ...variants.softmax } }, tokenizer);
  let whole = false;
  try {
    const events = runOf({ ...plan, sampleEvery: Infinity }, twin, tokenizer, { storage: undefined, signal });
    for await (const event of events) {
      if (event.type === 'step') {
        const { step, steps, loss, secondsLeft } = event;
        yield { type: 'twin', step, steps, loss, secondsLeft };
      }
    }
    whole = !signal.aborted;
    return whole ? twin : undefined;
  } finally {
    if (!whole) twin.dispose();
  }
}

/** Reads the text with all models, a piece each in turn, and tells what each piece cost. */
export async function* stretch(
  readers: readonly (readonly [Reader, Model])[],
  { text, seen }: LongText,
  { tokenizer, length, signal }: { tokenizer: Tokenizer; length: number; signal: AbortSignal },
): AsyncGenerator<StretchEvent, void, undefined> {
  const source = textSource(text, { tokenizer, name: 'the long text' });
  const batch = streamsOf(length);
  const going = readers.map(([of, model]) => {
    const streams = evaluationStreams(source, { length, batch, maximum: batch });
    return { of, before: 0, tokens: 0, events: lossByPosition(model, streams, { piece, signal }) };
  });
  while (going.length > 0) {
    for (const each of [...going]) {
      const { done, value } = await each.events.next();
      if (done || value.type === 'result') going.splice(going.indexOf(each), 1);
      else yield { ...pieceOf(each, value), seen };
    }
  }
}

/** The mean of the newest piece, from means over all that was read. */
function pieceOf(
  each: { of: Reader; before: number; tokens: number },
  {
    position,
    length,
    nats,
    tokens,
    memoryBytes,
    tokensPerSecond,
    totalStreams,
  }: Exclude<LossEvent, { type: 'result' }>,
): Omit<StretchEvent, 'seen'> {
  const sum = nats * tokens;
  const mean = (sum - each.before) / (tokens - each.tokens);
  each.before = sum;
  each.tokens = tokens;
  const bytes = memoryBytes / totalStreams;
  return { type: 'stretch', of: each.of, position, length, nats: mean, memoryBytes: bytes, tokensPerSecond };
}
