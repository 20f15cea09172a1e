// Work with the model that can be given up: reading a long text, looking inside, measuring.

import { charTokenizer } from '@sympow/data';
import { initialValues, modelConfig, parameterSpecs, variants, type Model } from '@sympow/model';
import type { TextModel } from '@sympow/start';
import { lookInside } from './looking';
import type { Subject } from './measuring';
import type { LabEvent, Plan, Reader, Request } from './messages';
import type { OneAtATime } from './oneAtATime';
import { sampleText } from './sample';
import { longText, stretch, trainTwin } from './stretching';

/** A model that can be talked to. */
export interface Held {
  readonly text: TextModel;
  readonly name: string;
  /** How it was trained, where that was here. */
  readonly plan: Plan | undefined;
  /** The run that this browser keeps of it, if it does. */
  readonly run: string | undefined;
  /** One with softmax that was trained as it was. */
  twin?: Model;
}

/** Takes events as they come. */
export type Tell = (event: LabEvent, transfer?: ArrayBuffer[]) => void;

/** Lets one piece of such work at a time be done, and ends it when it is given up. */
export class OneJob {
  private now: { readonly stops: AbortController; readonly done: Promise<void> } | undefined;

  /** Gives up what is being done and does this. Resolves when it is done or given up. @throws what `body` throws */
  async run(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await this.quit();
    const stops = new AbortController();
    const result = body(stops.signal);
    const done = result.catch(() => undefined);
    const now = (this.now = { stops, done });
    try {
      await result;
    } catch (error) {
      if (!stops.signal.aborted) throw error;
    } finally {
      if (this.now === now) this.now = undefined;
    }
  }

  async quit(): Promise<void> {
    this.now?.stops.abort();
    await this.now?.done;
  }
}

/** Tells of all events, and lets others have their turn between them. */
async function tellAll<R>(events: AsyncGenerator<LabEvent, R, undefined>, turns: OneAtATime, tell: Tell): Promise<R> {
  for (;;) {
    const { done, value } = await turns.run(() => events.next());
    if (done) return value;
    tell(value);
  }
}

export async function stretchOut(
  held: Held,
  { text, length, beside }: Extract<Request, { type: 'stretch' }>,
  turns: OneAtATime,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  const { model, tokenizer } = held.text;
  const readers: (readonly [Reader, Model])[] = [['own', model]];
  if (beside) {
    if (!held.plan) throw new Error('This model was not trained here, so that no other can be trained as it was.');
    const twin = held.twin ?? (await tellAll(trainTwin(model.backend, held.plan, tokenizer, signal), turns, tell));
    if (!twin) return;
    held.twin = twin;
    readers.push(['softmax', twin]);
  }
  const long = longText(held.plan?.text ?? text, tokenizer, length);
  await tellAll(stretch(readers, long, { tokenizer, length, signal }), turns, tell);
}

export async function look({ text }: Held, passage: string, turns: OneAtATime, tell: Tell): Promise<void> {
  tell(await turns.run(() => lookInside(text.model, text.tokenizer, passage)));
}

/** Measures with the model that is open, or with a fresh one. */
export async function measureOn(
  names: readonly string[],
  held: Held | undefined,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  const subject = await subjectOf(held);
  // The conformance suite comes when it is wanted.
  const { measure } = await import('./measuring');
  for await (const event of measure(names, subject, signal)) tell(event);
}

const small = { hiddenSize: 64, layers: 2, heads: 2, headSize: 32 };

async function subjectOf(held: Held | undefined): Promise<Subject> {
  const text = (held?.plan?.text ?? sampleText()).text.slice(0, 4000);
  if (!held) {
    const tokenizer = charTokenizer(text);
    const config = modelConfig({ ...variants.conformal, ...small, vocabSize: tokenizer.vocabSize });
    const weights = new Map([...parameterSpecs(config)].map(([name, spec]) => [name, initialValues(name, spec, 0)]));
    return { config, weights, tokenizer, text };
  }
  const { model, tokenizer } = held.text;
  const weights = new Map<string, ArrayLike<number>>();
  for (const [name, { value }] of model.parameters) weights.set(name, await value.read());
  return { config: model.config, weights, tokenizer, text };
}
