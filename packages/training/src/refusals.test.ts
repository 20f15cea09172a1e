// What is refused leaves nothing behind, also outside any scope.

import { leftBehind } from '@sympow/conformance';
import { textSource, trainingBatches } from '@sympow/data';
import { js } from '@sympow/kernels';
import { memoryStorage, Model, modelConfig, type Storage } from '@sympow/model';
import { expect, it } from 'vitest';
import { AdamW } from './adamw';
import { lossOf } from './loss';
import { trainingStep } from './step';
import { train, type TrainingOptions } from './index';

const backend = await js().open();
const live = () => backend.memory().liveBuffers;
const shape = { hiddenSize: 8, layers: 1, heads: 2, headSize: 4 };
const model = Model.create(backend, modelConfig({ vocabSize: 256, ...shape }), { seed: 1 });
const small = Model.create(backend, modelConfig({ vocabSize: 11, ...shape }));
const data = textSource([{ name: 'text', text: 'It was the best of times. '.repeat(20) }]);
const batch = await trainingBatches(data, { batch: 2, context: 8 }).next();
const optimizer = new AdamW(backend, model.parameters, model.decays);
const gradients = [...model.parameters.values()].map(({ value }) => backend.empty(value.shape));
for (const y of gradients) backend.kernels.fill({ value: 0.1, y });

async function run(options: Partial<TrainingOptions> = {}): Promise<void> {
  const own = { model, data, steps: 2, batch: 2, context: 8, learningRate: 1e-3, warmup: 1 };
  for await (const event of train({ ...own, ...options })) void event;
}

it.each<[string, () => unknown]>([
  ['AdamW', () => new AdamW(backend, model.parameters, model.decays)],
  ['its update', () => optimizer.update(gradients, 1e-3)],
  ['trainingStep', () => trainingStep(model, optimizer, [batch, batch], 1e-3)],
  ['lossOf', () => lossOf(model, batch)],
  [
    'train',
    () => run({ evaluation: { data, every: 1, rows: 2 }, checkpoints: { storage: memoryStorage(), every: 2 } }),
  ],
])(
  '%s leaves nothing behind where the backend refuses',
  async (_, call) => {
    expect(await leftBehind(backend, call)).toEqual([]);
  },
  60_000,
);

it('an update that is refused does not count', () => {
  const { steps } = optimizer;
  expect(() => optimizer.update(gradients.slice(1), 1e-3)).toThrow();
  expect(optimizer.steps).toBe(steps);
});

const runOf = async (changes: Partial<TrainingOptions>): Promise<Storage> => {
  const storage = memoryStorage();
  await run({ checkpoints: { storage }, ...changes });
  return storage;
};

it.each<[string, () => unknown]>([
  ['options of AdamW', () => new AdamW(backend, model.parameters, model.decays, { beta1: 2 })],
  ['gradients of another model', () => optimizer.update(gradients.slice(1), 1e-3)],
  ['no batch', () => trainingStep(model, optimizer, [], 1e-3)],
  ['tokens that the model does not have', () => trainingStep(small, optimizer, [batch], 1e-3)],
  ['tokens that the model does not have, judged', () => lossOf(small, batch)],
  ['a batch that does not divide', () => run({ accumulate: 3 })],
  ['a clip of 0', () => run({ clip: 0 })],
  ['a context longer than the data', () => run({ context: 10_000 })],
  ['no steps', () => run({ steps: -1 })],
  ['held-out text that is too short', () => run({ evaluation: { data, every: 1, rows: 1, context: 10_000 } })],
])('%s leave nothing behind', async (_, call) => {
  const before = live();
  await expect((async () => call())()).rejects.toThrow();
  expect(live()).toBe(before);
});

it('a run that was begun otherwise leaves nothing behind', async () => {
  const storage = await runOf({});
  const before = live();
  await expect(run({ steps: 4, learningRate: 1, checkpoints: { storage } })).rejects.toThrow(/learningRate/);
  await expect(run({ checkpoints: { storage, resume: false } })).rejects.toThrow();
  expect(live()).toBe(before);
});
