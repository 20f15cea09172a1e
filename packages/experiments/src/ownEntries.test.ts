// Entries of a caller's own in an experiment: named in the file, handed in where its runs are planned.

import { textSource } from '@sympow/data';
import { ConfigError, js } from '@sympow/kernels';
import { modelConfig, type ModelConfig, type ModelEntries } from '@sympow/model';
import { memoryStorage, type Storage } from '@sympow/storage';
import { expect, it } from 'vitest';
import { openExperimentData } from './data';
import { parseExperiment } from './experiment';
import { planRuns, type Run } from './plan';
import { gatherResults } from './results';
import { runExperiment, type ExperimentEvent } from './run';
import { RunFolder } from './runFolder';

const { gate, rotary, attention } = modelConfig();
/** As the entries of the packages, under names that those do not know. */
const entries = {
  gates: [{ ...gate, name: 'my-gate' }],
  phases: [{ ...rotary, name: 'my-phases' }],
  kinds: [{ ...(attention as Exclude<ModelConfig['attention'], readonly unknown[]>), name: 'my-kind' }],
} satisfies ModelEntries;

const own = { gate: 'my-gate', rotary: 'my-phases', attention: ['my-kind', 'softmax'] };
const text = JSON.stringify({
  model: { hiddenSize: 8, layers: 2, heads: 1, headSize: 4 },
  training: { batch: 2, steps: 4, learningRate: 0.01, checkpointEvery: 2 },
  variants: [{ name: 'mine', variant: 'conformal', model: own }],
  contexts: [8],
  evaluation: { length: 16, streams: 2 },
});
const experiment = parseExperiment(text);
const books = Object.assign(textSource('to be or not to be, that is the question. '.repeat(30)), { notes: [] });
const data = await openExperimentData(experiment, () => Promise.resolve(books));
const runs = planRuns(experiment, data.vocabSize, entries);
const foldersIn =
  (storage: Storage) =>
  ({ id }: Run) =>
    new RunFolder(storage.folder(id));

/** Works until the end, or until an event for which `stops`. */
async function work(storage: Storage, stops: (event: ExperimentEvent) => boolean) {
  const controller = new AbortController();
  const bench = { experiment, data, compute: {}, open: () => js().open(), signal: controller.signal };
  for await (const event of runExperiment(bench, runs, foldersIn(storage))) if (stops(event)) controller.abort();
  const { runs: results } = await gatherResults(experiment, data, runs, foldersIn(storage));
  return results[0]!;
}

it.each<[string, (event: ExperimentEvent) => boolean]>([
  ['in the middle of the training', (event) => event.type === 'training' && event.event.type === 'checkpoint'],
  ['before it is evaluated', (event) => event.type === 'training' && event.event.type === 'end'],
])('a run of them that is stopped %s goes on', async (_, stops) => {
  const storage = memoryStorage();
  expect((await work(storage, stops)).loss).toBeNull();
  const resumed = await work(storage, () => false);
  expect(resumed.config).toMatchObject({ gate: 'my-gate', rotary: 'my-phases', attention: ['my-kind', 'softmax'] });
  expect(resumed.finished).toBe(true);
  const { loss } = await work(memoryStorage(), () => false);
  expect(resumed.loss).toEqual(loss);
});

it('a name of one that is not handed in is refused with its place', () => {
  expect(() => planRuns(experiment, data.vocabSize)).toThrow(ConfigError);
  expect(() => planRuns(experiment, data.vocabSize)).toThrow(/^variants\[0\]\.model in the experiment: .*my-kind/);
});
