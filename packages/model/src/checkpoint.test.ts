import { js, type Backend } from '@sympow/kernels';
import { parseSafetensors, serializeSafetensors, type TensorToStore } from '@sympow/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelOptions } from './api';
import {
  findCheckpoint,
  latestCheckpoint,
  loadModel,
  prepareCheckpoints,
  readJson,
  saveCheckpoint,
  saveModel,
} from './checkpoint';
import { modelConfig, variants } from './config';
import { CheckpointError } from './errors';
import { Model } from './model';
import { memoryStorage, type Storage } from '@sympow/storage';

const config = (options: ModelOptions = {}) =>
  modelConfig({ vocabSize: 17, hiddenSize: 8, layers: 2, heads: 2, headSize: 4, ...options });

let backend: Backend;
beforeAll(async () => {
  backend = await js().open();
});

async function weightsOf(model: Model): Promise<Map<string, number[]>> {
  const weights = new Map<string, number[]>();
  for (const [name, { value }] of model.parameters) weights.set(name, [...(await value.read())]);
  return weights;
}

const create = (seed = 0, options?: ModelOptions) => Model.create(backend, config(options), { seed });

/** Changes the JSON of a file. */
async function edit(storage: Storage, name: string, change: object): Promise<void> {
  await storage.write(name, JSON.stringify({ ...((await readJson(storage, name)) as object), ...change }));
}

/** Writes the weights anew, after a change. */
async function rewrite(storage: Storage, change: (tensors: Map<string, TensorToStore>) => void): Promise<void> {
  const tensors = new Map<string, TensorToStore>(parseSafetensors(await storage.read('model.safetensors')).tensors);
  change(tensors);
  await storage.write('model.safetensors', serializeSafetensors(tensors));
}

describe('a model in a folder', () => {
  it.each([
    ...Object.entries(variants),
    ['wide', { bias: true, tieEmbeddings: false, mlp: 'swiglu', queryKeyNorm: true, keyValueHeads: 1 }],
    ['learned', { gate: 'learned', rotary: 'learned', norm: 'rms' }],
  ] as [string, ModelOptions][])('comes back bit by bit: %s', async (_, options) => {
    const storage = memoryStorage();
    const model = create(3, options);
    await saveModel(storage, model, { 'tokenizer.json': '{}' });
    expect(await storage.list()).toEqual(['checksums.json', 'config.json', 'model.safetensors', 'tokenizer.json']);
    const copy = await loadModel(backend, storage);
    expect(copy.config).toEqual(model.config);
    expect(await weightsOf(copy)).toEqual(await weightsOf(model));
    const { metadata } = parseSafetensors(await storage.read('model.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
  });

  it('keeps doubles as doubles', async () => {
    const wide = await js({ float: 'float64' }).open();
    const model = Model.create(wide, config());
    wide.write(model.parameters.get('model.norm.weight')!.value, new Float64Array(8).fill(Math.PI));
    const storage = memoryStorage();
    await saveModel(storage, model);
    expect(await weightsOf(await loadModel(wide, storage))).toEqual(await weightsOf(model));
    const narrow = await loadModel(backend, storage);
    expect((await weightsOf(narrow)).get('model.norm.weight')![0]).toBe(Math.fround(Math.PI));
  });

  it.each([
    [
      'no folder at all',
      async () => undefined,
      /^there is no checkpoint in memory; expected a folder with config\.json/,
    ],
    ['no weights', (s) => s.remove('model.safetensors'), /there is no file memory\/model\.safetensors/],
    ['JSON cut short', (s) => s.write('config.json', '{"hidden'), /memory\/config\.json cannot be read/],
    ['a huge config', (s) => s.write('config.json', ' '.repeat(2 ** 20 + 1)), /length of .*expected at most 1048576/],
    [
      'another model type',
      (s) => edit(s, 'config.json', { model_type: 'mamba' }),
      /describes no model that can be loaded \(model_type/,
    ],
    [
      'a wild option',
      (s) => edit(s, 'config.json', { power: -1 }),
      /memory\/config\.json describes no model that can be loaded \(power/,
    ],
    ['null', (s) => s.write('config.json', 'null'), /describes no model/],
    [
      'more layers than could be listed',
      (s) => edit(s, 'config.json', { num_hidden_layers: 1e12 }),
      /layers is 1000000000000\); expected .* at most 10000/,
    ],
    ['more layers', (s) => edit(s, 'config.json', { num_hidden_layers: 3 }), /layers\.2.* is "missing"/],
    [
      'other sizes',
      (s) => edit(s, 'config.json', { vocab_size: 18 }),
      /embed_tokens.* is "\[17, 8\]"; expected \[18, 8\]/,
    ],
    ['fewer layers', (s) => edit(s, 'config.json', { num_hidden_layers: 1 }), /a tensor in .*layers\.1/],
    [
      'weights cut short',
      async (s) => s.write('model.safetensors', await s.read('model.safetensors', 0, 5000)),
      /5000/,
    ],
    ['a missing weight', (s) => rewrite(s, (t) => t.delete('model.norm.weight')), /model\.norm\.weight .*missing/],
    [
      'a damaged element, found when it is read',
      (s) =>
        rewrite(s, (t) => t.set('model.norm.weight', { shape: [8], dtype: 'BOOL', data: new Uint8Array(8).fill(2) })),
      /"model\.norm\.weight" is 2; expected a BOOL/,
    ],
    [
      'a weight of another shape',
      (s) => rewrite(s, (t) => t.set('model.norm.weight', { shape: [2, 4], data: new Float32Array(8) })),
      /model\.norm\.weight .*\[2, 4\].*expected \[8\]/,
    ],
  ] as [string, (storage: Storage) => Promise<void>, RegExp][])(
    'is refused in one line, and nothing stays allocated: %s',
    async (name, damage, message) => {
      const storage = memoryStorage();
      if (name !== 'no folder at all') await saveModel(storage, create());
      await storage.remove('checksums.json');
      await damage(storage);
      const before = backend.memory().liveBuffers;
      const error: unknown = await loadModel(backend, storage).catch((thrown: unknown) => thrown);
      expect(['CHECKPOINT', 'STORAGE']).toContain((error as CheckpointError).code);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toContain('\n');
      expect(backend.memory().liveBuffers).toBe(before);
    },
  );
});

describe('the checkpoints of a run', () => {
  it('are found from the newest to keep, wherever the path points', async () => {
    const run = memoryStorage('run');
    expect(await latestCheckpoint(run)).toBeUndefined();
    for (const step of [9, 100, 1000, 123_456_789]) await saveCheckpoint(run, { model: create(step), step });
    expect(await run.folder('checkpoints').list()).toEqual(['step-00001000', 'step-123456789']);
    const newest = (await latestCheckpoint(run))!;
    expect(newest.step).toBe(123_456_789);
    for (const path of [run, run.folder('checkpoints'), newest.storage]) {
      expect((await findCheckpoint(path)).path).toBe('run/checkpoints/step-123456789');
    }
    expect(await weightsOf(await loadModel(backend, run))).toEqual(await weightsOf(create(123_456_789)));
  });

  it('stay as many as asked for', async () => {
    const run = memoryStorage();
    for (let step = 0; step < 5; step++) await saveCheckpoint(run, { model: create(), step, keep: 3 });
    expect(await run.folder('checkpoints').list()).toEqual(['step-00000002', 'step-00000003', 'step-00000004']);
    await expect(saveCheckpoint(run, { model: create(), step: 5, keep: 0 })).rejects.toThrow(/keep is 0/);
    await expect(saveCheckpoint(run, { model: create(), step: -1 })).rejects.toThrow(/step is -1/);
  });

  it('are not overwritten', async () => {
    const run = memoryStorage();
    await saveCheckpoint(run, { model: create(1), step: 7 });
    await expect(saveCheckpoint(run, { model: create(2), step: 7 })).rejects.toThrow(/there is a checkpoint of step 7/);
    expect(await weightsOf(await loadModel(backend, run))).toEqual(await weightsOf(create(1)));
  });

  it('survive a stop after every single change to the folder', async () => {
    const model = create(2);
    const weights = await weightsOf(model);
    for (let changes = 0; ; changes++) {
      const run = memoryStorage();
      for (const step of [1, 2]) await saveCheckpoint(run, { model: create(step), step });
      const stopped = await saveCheckpoint(dyingAfter(changes, run), {
        model,
        step: 3,
        files: { 'a.json': '{}' },
      }).then(
        () => false,
        () => true,
      );
      const { step, storage } = (await latestCheckpoint(run))!;
      expect([2, 3]).toContain(step);
      const found = await loadModel(backend, storage);
      expect(await weightsOf(found)).toEqual(weights);
      if (step === 3)
        expect(await storage.list()).toEqual(['a.json', 'checksums.json', 'config.json', 'model.safetensors']);
      found.dispose();

      await prepareCheckpoints(run);
      const names = await run.folder('checkpoints').list();
      expect(names.every((name) => /^step-\d{8}$/.test(name))).toBe(true);
      if (step === 2) await saveCheckpoint(run, { model, step: 3 });
      if (!stopped) {
        // What was left over, four files, their folder's name, the oldest checkpoint's name, and the oldest itself.
        expect(changes).toBe(8);
        break;
      }
    }
  });

  it('leave nothing half-written when one cannot be saved', async () => {
    const run = memoryStorage();
    await saveCheckpoint(run, { model: create(), step: 1 });
    const full = asking(run, (name) => {
      if (name === 'model.safetensors') throw new CheckpointError({ what: 'disk', value: 0, expected: 'space' });
    });
    const files = { 'a.json': '{}' };
    await expect(saveCheckpoint(full, { model: create(), step: 2, files })).rejects.toThrow(/disk is 0/);
    expect(await run.folder('checkpoints').list()).toEqual(['step-00000001']);
  });
});

/** A storage that asks before it changes something; what `before` throws, the change fails with. */
function asking(storage: Storage, before: (name: string) => void): Storage {
  const ask = async <R>(name: string, change: () => Promise<R>): Promise<R> => {
    before(name);
    return change();
  };
  const wrap = (inner: Storage): Storage => ({
    path: inner.path,
    list: () => inner.list(),
    size: (name) => inner.size(name),
    read: (...range) => inner.read(...range),
    write: (name, contents) => ask(name, () => inner.write(name, contents)),
    rename: (from, to) => ask(from, () => inner.rename(from, to)),
    remove: (name) => ask(name, () => inner.remove(name)),
    folder: (name) => wrap(inner.folder(name)),
  });
  return wrap(storage);
}

/** The storage of a process that dies after so many changes. */
function dyingAfter(changes: number, storage: Storage): Storage {
  let done = 0;
  return asking(storage, () => {
    if (done++ >= changes) throw new Error('dead');
  });
}
