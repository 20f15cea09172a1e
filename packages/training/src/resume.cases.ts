// A small run that is stopped and goes on, and the files that it leaves.
import { textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { latestCheckpoint, memoryStorage, Model, modelConfig, type Storage } from '@sympow/model';
import type { TrainingEvent, TrainingOptions } from './api';
import { train } from './train';

export const backend = await js().open();

export const text = 'a rose is a rose is a rose. '.repeat(12);
export const data = textSource(text);
export const config = modelConfig({ vocabSize: 256, hiddenSize: 8, layers: 1, heads: 1, headSize: 8 });

export function options(storage: Storage, changes: Partial<TrainingOptions> = {}): TrainingOptions {
  const model = Model.create(backend, config, { seed: 1 });
  const checkpoints = { storage, every: 2 };
  return { model, data, batch: 2, context: 8, steps: 6, learningRate: 1e-2, checkpoints, ...changes };
}

/** Runs to the end, or to the step after which it is aborted. */
export async function run(setting: TrainingOptions, stopAfter = Infinity): Promise<TrainingEvent[]> {
  const stop = new AbortController();
  const events: TrainingEvent[] = [];
  for await (const event of train({ ...setting, signal: stop.signal })) {
    events.push(event);
    if (event.type === 'step' && event.step >= stopAfter) stop.abort();
  }
  return events;
}

/** The files of the newest checkpoint. */
export async function files(storage: Storage): Promise<Record<string, string>> {
  const { storage: newest } = (await latestCheckpoint(storage))!;
  const found: Record<string, string> = {};
  for (const name of await newest.list()) found[name] = Buffer.from(await newest.read(name)).toString('hex');
  return found;
}

export async function undisturbed(changes: Partial<TrainingOptions> = {}): Promise<Record<string, string>> {
  const storage = memoryStorage();
  await run(options(storage, changes));
  return files(storage);
}
