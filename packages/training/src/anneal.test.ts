import { Tape } from '@sympow/autograd';
import {
  latestCheckpoint,
  loadModel,
  memoryStorage,
  Model,
  modelConfig,
  type ModelOptions,
  type Storage,
} from '@sympow/model';
import { expect, it } from 'vitest';
import { annealed } from './anneal';
import type { TrainingOptions } from './api';
import { backend, data, run } from './resume.cases';
import { train } from './train';

const shape: ModelOptions = { vocabSize: 256, hiddenSize: 8, layers: 2, heads: 2, headSize: 4 };
const config = modelConfig({ ...shape, attention: 'mixed' });
const anneal = { mix: { steps: 4 } };

function options(storage: Storage, changes: Partial<TrainingOptions> = {}): TrainingOptions {
  const model = Model.create(backend, config, { seed: 1 });
  return {
    model,
    data,
    batch: 2,
    context: 16,
    steps: 6,
    learningRate: 1e-2,
    anneal,
    checkpoints: { storage },
    ...changes,
  };
}

const mixOf = (model: Model) =>
  [...model.parameters].flatMap(([name, { value }]) => (name.endsWith('.mix') ? [...backend.readSync!(value)] : []));

const weightsOf = (model: Model) =>
  new Map([...model.parameters].map(([name, { value }]) => [name, backend.readSync!(value)] as const));

it('goes in a straight line from one value to the other and stays there', () => {
  expect([0, 1, 2, 4, 9].map((step) => annealed({ steps: 4 }, step))).toEqual([1, 0.75, 0.5, 0, 0]);
  expect(annealed({ from: 0.5, to: 0.25, steps: 2 }, 1)).toBe(0.375);
});

it('a checkpoint has the value of its step, and going on from it ends with the same weights', async () => {
  const whole = memoryStorage();
  const straight = options(whole);
  await run(straight);
  expect(mixOf(straight.model)).toEqual([0, 0]);
  const cut = memoryStorage();
  await run(options(cut), 3);
  const stopped = await loadModel(backend, (await latestCheckpoint(cut))!.storage);
  expect(mixOf(stopped)).toEqual([0.25, 0.25]);
  const resumed = options(cut);
  await run(resumed);
  expect(weightsOf(resumed.model)).toEqual(weightsOf(straight.model));
  await expect(run(options(cut, { steps: 8, anneal: { mix: { steps: 9 } } }))).rejects.toThrow(/^anneal is/);
});

it('after it the model writes what power attention with its weights writes: its logits are the same to the last bit', async () => {
  const storage = memoryStorage();
  await run(options(storage));
  const mixed = await loadModel(backend, storage);
  const weights = new Map([...weightsOf(mixed)].filter(([name]) => !name.endsWith('.mix')));
  const power = Model.fromWeights(backend, modelConfig(shape), weights);
  const write = (model: Model) => {
    const memory = model.memory();
    const logits: ArrayLike<number>[] = [];
    let tokens = [...'a rose'].map((letter) => letter.charCodeAt(0));
    for (let i = 0; i < 80; i++) {
      backend.scope(() => {
        const tape = new Tape(backend, { record: false });
        const ids = backend.upload(Int32Array.from(tokens), [1, tokens.length]);
        const row = backend.readSync!(model.forward(tape, ids, { memory, lastOnly: true }).value);
        logits.push(row);
        tokens = [row.indexOf(Math.max(...row))];
      });
    }
    memory.dispose();
    return logits;
  };
  expect(write(mixed)).toEqual(write(power));
});

it('leaves as many buffers as it found, and refuses weights that there are not', async () => {
  const { model, ...rest } = options(memoryStorage());
  const live = backend.memory().liveBuffers;
  await run({ model, ...rest });
  expect(backend.memory().liveBuffers).toBe(live);
  const plain = Model.create(backend, modelConfig(shape));
  expect(() => train({ ...rest, model: plain })).toThrow(/^anneal is "mix"; expected a weight of a layer/);
  expect(() => train({ ...rest, model, anneal: { q_proj: { steps: 1 } } })).toThrow(/^anneal is "q_proj"/);
  expect(() => train({ ...rest, model, anneal: { mix: { steps: 0 } } })).toThrow(/^anneal.mix.steps is 0/);
  expect(() => train({ ...rest, model, anneal: { mix: { steps: 1, to: NaN } } })).toThrow(/^anneal.mix.to is NaN/);
});

it('a number of updates is the usual schedule, also where a run goes on that was begun with the other', async () => {
  const [written, short] = [memoryStorage(), memoryStorage()];
  const whole = options(written);
  await run(whole);
  await run(options(short), 3);
  const resumed = options(short, { anneal: 4 });
  expect((await run(resumed))[0]).toMatchObject({ type: 'start', step: 3 });
  expect(mixOf(resumed.model)).toEqual([0, 0]);
  expect(weightsOf(resumed.model)).toEqual(weightsOf(whole.model));
  expect(() => train(options(short, { anneal: 0.5 }))).toThrow(
    /^anneal is 0.5; expected a whole number of at least 1, or/,
  );
});
