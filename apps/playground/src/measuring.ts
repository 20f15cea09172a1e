// What each backend does on this device: a case of each kernel held to its definition, speeds, and whether a model says the same on it
// as on the definition.

import { messageOf } from '@sympow/core';
import { Tape } from '@sympow/autograd';
import { openBackend } from '@sympow/backends';
import { cases, checkCase } from '@sympow/conformance';
import { textSource, type Tokenizer } from '@sympow/data';
import { js, kernelNames, type Backend } from '@sympow/kernels';
import { Model, type ModelConfig } from '@sympow/model';
import { train } from '@sympow/training';
import type { MeasureEvent, Measured } from './messages';
import { gigaflopsOf } from './speed';

/** Tokens that a model is made to read one by one, and is asked after each what comes next. */
const forced = 128;
const steps = 4;

export interface Subject {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, ArrayLike<number>>;
  readonly tokenizer: Tokenizer;
  /** At least some thousand characters. */
  readonly text: string;
}

/** Measures backends one after the other, and tells of each part; one that is not there says why. */
export async function* measure(
  names: readonly string[],
  subject: Subject,
  signal: AbortSignal,
): AsyncGenerator<MeasureEvent, void, undefined> {
  const part = (backend: string, says: string): MeasureEvent => ({ type: 'measuring', backend, says });
  yield part('js', 'What the definition answers');
  const ids = subject.tokenizer.encode(subject.text);
  const definition = await js({ float: 'float64' }).open();
  const expected = await choices(definition, subject, ids);
  await definition.close();
  for (const name of names) {
    signal.throwIfAborted();
    let backend: Backend | undefined;
    try {
      yield part(name, 'Opening');
      backend = (await openBackend(name)).backend;
      yield part(name, 'Kernels against their definitions');
      const kernels = await conformanceOf(backend, signal);
      yield part(name, 'Products');
      const gigaflops = await gigaflopsOf(backend);
      yield part(name, 'Training');
      const trained = await trainingSpeed(backend, subject, ids);
      yield part(name, 'Reading token by token');
      const read = await choices(backend, subject, ids);
      const same = read.tokens.filter((token, i) => token === expected.tokens[i]).length;
      const row: Measured = {
        ...{ backend: name, notes: backend.capabilities.notes, threads: backend.capabilities.threads, ...kernels },
        ...{ gigaflops, trainingTokensPerSecond: trained, decodingTokensPerSecond: forced / read.seconds },
        agreement: same / forced,
      };
      yield { type: 'measured', row };
    } catch (error) {
      if (signal.aborted) throw error;
      yield { type: 'measured', row: { backend: name, missing: messageOf(error) } };
    } finally {
      await backend?.close();
    }
  }
}

/** The short form of the suite: the first case of every kernel. */
async function conformanceOf(backend: Backend, signal: AbortSignal) {
  const complaints: string[] = [];
  let passed = 0;
  const chosen = kernelNames.flatMap((kernel) => cases.filter((kase) => kase.kernel === kernel).slice(0, 1));
  for (const kase of chosen) {
    signal.throwIfAborted();
    try {
      const found = (await checkCase(backend, kase)).complaints;
      if (found.length === 0) passed++;
      else complaints.push(`${kase.kernel} ${kase.name}: ${found.join('; ')}`);
    } catch (error) {
      complaints.push(`${kase.kernel} ${kase.name}: ${messageOf(error)}`);
    }
  }
  return { cases: chosen.length, passed, complaints };
}

async function trainingSpeed(backend: Backend, { config, tokenizer, text }: Subject, ids: ArrayLike<number>) {
  const model = Model.create(backend, config);
  const context = Math.min(64, ids.length - 1);
  let speed = 0;
  try {
    const data = textSource(text, { tokenizer, name: 'the text' });
    for await (const event of train({ model, data, context, batch: 2, steps })) {
      if (event.type === 'step') speed = Math.max(speed, event.tokensPerSecond);
    }
    return speed;
  } finally {
    model.dispose();
  }
}

/** The likeliest token after each of the forced ones. */
async function choices(backend: Backend, { config, weights }: Subject, ids: ArrayLike<number>) {
  const model = Model.fromWeights(backend, config, weights);
  const memory = model.memory();
  const tape = new Tape(backend, { record: false });
  const tokens: number[] = [];
  const start = performance.now();
  try {
    for (let i = 0; i < forced; i++) {
      const logits = backend.scope((keep) => {
        const token = backend.upload(Int32Array.of(ids[i % ids.length]!), [1, 1]);
        return keep(model.forward(tape, token, { memory }).value);
      });
      const numbers = (await logits.read()) as Float32Array;
      logits.dispose();
      tokens.push(numbers.reduce((best, value, at) => (value > numbers[best]! ? at : best), 0));
    }
    return { tokens, seconds: (performance.now() - start) / 1000 };
  } finally {
    memory.dispose();
    model.dispose();
  }
}
