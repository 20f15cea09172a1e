// What is refused leaves nothing behind, also outside any scope.

import { Tape } from '@sympow/autograd';
import { leftBehind } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { loadModel, loadWeights, saveCheckpoint, saveModel } from './checkpoint';
import { variants } from './config';
import { fingerprintOf, weightsChanged } from './fingerprint';
import { restoreMemory } from './memory';
import { Model } from './model';
import { memoryStorage } from '@sympow/storage';

const backend = await js().open();
const live = () => backend.memory().liveBuffers;

describe.each(Object.entries(variants))('%s', async (_, settings) => {
  const config = tinyConfig({ ...settings, layers: 1 });
  const model = livelyModel(backend, config);
  const [tokens, targets] = [
    [1, 2, 3],
    [2, 3, 4],
  ].map((ids) => backend.upload(Int32Array.from(ids), [1, 3]));
  const storage = memoryStorage();
  await saveModel(storage, model);
  const memory = model.memory();
  backend.scope(() => model.forward(new Tape(backend, { record: false }), tokens!, { memory }));
  const saved = await memory.save({ exact: true });
  const weights = new Map<string, ArrayLike<number>>();
  for (const [name, { value }] of model.parameters) weights.set(name, await value.read());

  const calls: Record<string, () => unknown> = {
    create: () => Model.create(backend, config),
    blank: () => Model.blank(backend, config),
    fromWeights: () => Model.fromWeights(backend, config, weights),
    forward: () => model.forward(new Tape(backend), tokens!),
    'forward without recording': () => model.forward(new Tape(backend, { record: false }), tokens!, { lastOnly: true }),
    loss: () => model.loss(new Tape(backend), tokens!, targets!),
    'a stream': () => {
      const memory = model.memory();
      try {
        model.forward(new Tape(backend, { record: false }), tokens!, { memory });
      } finally {
        memory.dispose();
      }
    },
    memory: () => model.memory(),
    restoreMemory: () => restoreMemory(model, saved),
    fingerprintOf: () => {
      weightsChanged(model);
      return fingerprintOf(model);
    },
    saveModel: () => saveModel(memoryStorage(), model),
    saveCheckpoint: () => saveCheckpoint(memoryStorage(), { model, step: 1 }),
    loadModel: () => loadModel(backend, storage),
    loadWeights: () => loadWeights(model, storage),
  };
  it.each(Object.entries(calls))('%s leaves nothing behind where the backend refuses', async (_, call) => {
    expect(await leftBehind(backend, call)).toEqual([]);
  });
});

describe('arguments that are refused leave nothing behind', () => {
  const model = livelyModel(backend, tinyConfig());
  const other = livelyModel(backend, tinyConfig({ ...variants.sympow, layers: 1 }));
  const tokens = backend.upload(Int32Array.of(1, 2, 3), [1, 3]);
  const two = backend.upload(Int32Array.of(1, 2), [1, 2]);
  const flat = backend.upload(Int32Array.of(1, 2, 3), [3]);
  const memory = other.memory();
  const wide = model.memory(2);
  const quiet = () => new Tape(backend, { record: false });

  it.each<[string, () => unknown]>([
    ['a chunk of 0', () => Model.create(backend, tinyConfig(), { chunk: 0 })],
    ['a form that is none', () => Model.blank(backend, tinyConfig(), { form: 'round' as 'auto' })],
    ['a seed below 0', () => Model.create(backend, tinyConfig(), { seed: -1 })],
    ['no weights', () => Model.fromWeights(backend, tinyConfig(), new Map())],
    ['flat tokens', () => model.forward(new Tape(backend), flat)],
    ['a tape that records and a memory', () => model.forward(new Tape(backend), tokens, { memory: wide })],
    ['a memory of another model', () => model.forward(quiet(), tokens, { memory })],
    ['a memory of two streams', () => model.forward(quiet(), tokens, { memory: wide })],
    ['resets of another length', () => model.forward(new Tape(backend), tokens, { reset: two })],
    ['resets without gates', () => other.forward(quiet(), two, { reset: two, memory })],
    ['targets of another length', () => model.loss(new Tape(backend), tokens, two)],
    ['a memory of half a stream', () => model.memory(0.5)],
    ['no memory at all', () => restoreMemory(model, { position: 0, tensors: {} })],
  ])('%s', (_, call) => {
    const before = live();
    expect(call).toThrow();
    expect(live()).toBe(before);
  });

  it.each<[string, (storage: ReturnType<typeof memoryStorage>) => Promise<void>]>([
    ['weights that are cut short', async (storage) => storage.write('model.safetensors', new Uint8Array(900))],
    ['another configuration', (storage) => saveModel(storage.folder('x'), other)],
    ['no configuration', (storage) => storage.remove('config.json')],
  ])('a checkpoint with %s', async (name, harm) => {
    const storage = memoryStorage();
    await saveModel(storage, model);
    await harm(storage);
    if (name === 'another configuration') {
      await storage.write('config.json', await storage.folder('x').read('config.json'));
    }
    const before = live();
    await expect(loadModel(backend, storage)).rejects.toThrow();
    expect(live()).toBe(before);
  });
});
