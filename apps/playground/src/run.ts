// A run in the worker: from a plan to a model, its tokenizer and the events of its training, with samples of text in between.

import { byteTokenizer, charTokenizer, heldOut, textSource, type Tokenizer } from '@sympow/data';
import { generateText } from '@sympow/inference';
import type { Backend } from '@sympow/kernels';
import { Model, modelConfig } from '@sympow/model';
import type { Storage } from '@sympow/storage';
import { train, type TrainingEvent } from '@sympow/training';
import type { Plan } from './messages';

/** Characters up to as many different ones, else bytes, as `fit` of `@sympow/start` has it. */
const mostCharacters = 256;
const sampleTokens = 160;
/** Rows that the held-out loss is read from. */
const heldOutRows = 16;

export type SampleEvent = { readonly type: 'sample'; readonly step: number; readonly text: string };

/** What tokens of a text are. */
export function tokenizerOfText(text: string): Tokenizer {
  return new Set(text).size <= mostCharacters ? charTokenizer(text) : byteTokenizer();
}

/** How texts begin that are written in between: with the first words of what was learnt from. */
export const beginningOf = (text: string): string =>
  /^\s*\S+ /.exec(text.slice(0, 60))?.[0].trimStart() ?? text.slice(0, 8);

/** Its first paragraphs, as many as a screen shows well. */
export const passageOf = (text: string): string => text.slice(0, 180).replace(/\s+\S*$/, '');

/** A model as a plan describes it, with fresh weights. @throws ConfigError, OutOfMemoryError */
export function freshModel(backend: Backend, plan: Plan, tokenizer: Tokenizer): Model {
  return Model.create(backend, modelConfig({ ...plan.model, vocabSize: tokenizer.vocabSize }), { seed: 0 });
}

/** Where a run goes on from, and how it is stopped. */
export interface RunOptions {
  /** Where it is kept; nowhere if this is absent. */
  readonly storage: Storage | undefined;
  readonly signal: AbortSignal;
}

/**
 * Trains the model, which is the caller's.
 *
 * @throws what `train` throws
 */
export async function* runOf(
  plan: Plan,
  model: Model,
  tokenizer: Tokenizer,
  { storage, signal }: RunOptions,
): AsyncGenerator<TrainingEvent | SampleEvent, void, undefined> {
  const { text, training, sampleEvery } = plan;
  const { context, steps } = training;
  const whole = textSource(text.text, { tokenizer, name: text.name });
  const parts = heldOut(whole);
  const held = Math.min(context, parts.heldOut.tokenCount - 1);
  const events = train({
    ...training,
    ...{ model, data: parts.train, signal },
    ...(held > 0 && {
      evaluation: { data: parts.heldOut, every: Math.max(5, Math.round(steps / 20)), rows: heldOutRows, context: held },
    }),
    ...(storage && {
      checkpoints: {
        ...{ storage, every: Math.max(20, Math.round(steps / 10)) },
        files: { 'tokenizer.json': JSON.stringify(tokenizer) },
      },
    }),
  });
  for await (const event of events) {
    yield event;
    if (event.type !== 'step' || event.step % sampleEvery !== 0 || signal.aborted) continue;
    yield { type: 'sample', step: event.step, text: await sample(model, tokenizer, beginningOf(text.text)) };
  }
}

async function sample(model: Model, tokenizer: Tokenizer, prompt: string): Promise<string> {
  let written = prompt;
  const options = { prompt, maxTokens: sampleTokens, temperature: 0.8, seed: 1 };
  for await (const { text } of generateText(model, tokenizer, options)) written += text;
  return written;
}
