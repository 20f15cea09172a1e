import { js, Random, type Backend } from '@sympow/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { findCheckpoint, latestCheckpoint, loadModel, readJson, saveCheckpoint, saveModel } from './checkpoint';
import { verifyCheckpoint } from './checksums';
import { modelConfig } from './config';
import { CheckpointError } from './errors';
import { Model } from './model';
import { memoryStorage, type Storage } from '@sympow/storage';

let backend: Backend;
beforeAll(async () => {
  backend = await js().open();
});

const config = modelConfig({ vocabSize: 17, hiddenSize: 8, layers: 1, heads: 1, headSize: 8 });
const create = (seed = 1) => Model.create(backend, config, { seed });
const files = { 'tokenizer.json': '{"version": "1.0"}', 'empty.txt': '' };

/** A run with checkpoints of steps 1, 2 and 3. */
async function run(): Promise<Storage> {
  const storage = memoryStorage('run');
  for (const step of [1, 2, 3]) await saveCheckpoint(storage, { model: create(step), step, files, keep: 3 });
  return storage;
}
const at = (storage: Storage, step: number) => storage.folder('checkpoints').folder(`step-0000000${step}`);

/** Flips one bit of a file. */
async function flip(storage: Storage, name: string, bit: number): Promise<void> {
  const bytes = await storage.read(name);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  await storage.write(name, bytes);
}

/** Loads all that a program loads of a checkpoint. */
async function load(storage: Storage): Promise<Model> {
  const folder = await findCheckpoint(storage);
  const model = await loadModel(backend, folder);
  try {
    await readJson(folder, 'tokenizer.json');
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

describe('the checksums of a checkpoint', () => {
  it('list every file that was saved with it', async () => {
    const storage = memoryStorage();
    await saveModel(storage, create(), files);
    const names = ['tokenizer.json', 'empty.txt', 'model.safetensors', 'config.json'];
    expect(await verifyCheckpoint(storage)).toEqual(names);
    const { files: listed } = (await readJson(storage, 'checksums.json')) as { files: Record<string, unknown> };
    const size = (await storage.size('model.safetensors'))!;
    expect(listed['model.safetensors']).toEqual({
      bytes: size,
      hash: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
    });
  });

  it('find a bit that flipped anywhere, and nothing stays allocated', async () => {
    const storage = memoryStorage();
    await saveModel(storage, create(), files);
    const live = backend.memory().liveBuffers;
    const random = new Random(1, 'bits');
    for (const name of ['model.safetensors', 'config.json', 'tokenizer.json', 'checksums.json']) {
      const bits = 8 * (await storage.size(name))!;
      for (let i = 0; i < 150; i++) {
        const bit = random.integer(bits);
        await flip(storage, name, bit);
        const error = await load(storage).then(
          (model) => model.dispose(),
          (thrown: unknown) => thrown,
        );
        // White space, and a name that is listed no more, are no damage to what is loaded.
        if (name !== 'checksums.json' || error !== undefined) {
          expect(error, `${name}, bit ${bit}`).toBeInstanceOf(CheckpointError);
          expect((error as Error).message).toMatch(/is not as it was saved: .*remove checksums\.json beside it\.$/);
        }
        expect(backend.memory().liveBuffers).toBe(live);
        await flip(storage, name, bit);
      }
    }
    (await load(storage)).dispose();
  }, 60_000);

  it('find files that were cut, grew, went missing or were exchanged', async () => {
    // What is wrong, and whether it loads without checksums, as one that was put together on purpose.
    const harms: [RegExp, boolean, (storage: Storage) => Promise<void>][] = [
      [
        /model\.safetensors is not as it was saved: it has 100 bytes; expected \d+ bytes, as checksums\.json says/,
        false,
        async (s) => s.write('model.safetensors', await s.read('model.safetensors', 0, 100)),
      ],
      [
        /config\.json is not as it was saved: it has \d+ bytes/,
        true,
        async (s) => s.write('config.json', `${new TextDecoder().decode(await s.read('config.json'))} `),
      ],
      [/model\.safetensors is not as it was saved: it is missing/, false, (s) => s.remove('model.safetensors')],
      [/tokenizer\.json is not as it was saved: it is missing/, false, (s) => s.remove('tokenizer.json')],
      [
        /model\.safetensors is not as it was saved: its hash is/,
        true,
        async (s) => {
          const other = memoryStorage();
          await saveModel(other, create(9));
          await s.write('model.safetensors', await other.read('model.safetensors'));
        },
      ],
    ];
    for (const [message, loads, harm] of harms) {
      const storage = memoryStorage();
      await saveModel(storage, create(), files);
      await harm(storage);
      await expect(load(storage)).rejects.toThrow(CheckpointError);
      await expect(load(storage)).rejects.toThrow(message);
      await expect(verifyCheckpoint(storage)).rejects.toThrow(message);
      await storage.remove('checksums.json');
      expect(await verifyCheckpoint(storage)).toEqual([]);
      const loaded = await load(storage).then(
        (model) => (model.dispose(), true),
        () => false,
      );
      expect(loaded).toBe(loads);
    }
  });

  it('are compared while a file is read, which is read once', async () => {
    const storage = memoryStorage();
    await saveModel(storage, create(), files);
    let read = 0;
    const counting: Storage = Object.create(storage, {
      read: {
        value: async (...range: Parameters<Storage['read']>) => {
          const bytes = await storage.read(...range);
          if (range[0] === 'model.safetensors') read += bytes.length;
          return bytes;
        },
      },
    }) as Storage;
    (await loadModel(backend, counting)).dispose();
    const size = (await storage.size('model.safetensors'))!;
    // The head is read to check it before anything is allocated, and again with the tensors.
    expect(read).toBeLessThan(1.5 * size);
  });
});

describe('a run whose newest checkpoint is damaged', () => {
  it('is told which one is intact, and goes on from that once the other is moved away', async () => {
    const storage = await run();
    await flip(at(storage, 3), 'model.safetensors', 9000);
    const message =
      /run\/checkpoints\/step-00000003\/model\.safetensors is not as it was saved: .*\. run\/checkpoints\/step-00000002 is intact: use that, or move run\/checkpoints\/step-00000003 away to go on from it/;
    await expect(load(storage)).rejects.toThrow(message);
    await expect(load(storage.folder('checkpoints'))).rejects.toThrow(message);
    (await load(at(storage, 2))).dispose();

    await flip(at(storage, 2), 'tokenizer.json', 9);
    await expect(load(storage)).rejects.toThrow(/step-00000001 is intact/);
    await at(storage, 1).remove('checksums.json');
    await expect(load(storage)).rejects.toThrow(/ Use another copy of the checkpoint\. /);
    await at(storage, 3).write('checksums.json', '{');
    await expect(latestCheckpoint(storage)).rejects.toThrow(/checksums\.json is not as it was saved: it is no JSON/);

    await storage.folder('checkpoints').remove('step-00000003');
    await storage.folder('checkpoints').remove('step-00000002');
    expect((await latestCheckpoint(storage))!.step).toBe(1);
  });
});

describe('what only bears the name of a checkpoint', () => {
  const strays: [string, (folder: Storage, name: string) => Promise<void>][] = [
    ['a file', (folder, name) => folder.write(name, 'text')],
    [
      'an empty folder',
      async (folder, name) => {
        await folder.folder(name).write('x', '');
        await folder.folder(name).remove('x');
      },
    ],
  ];
  it.each(strays)('is none: %s', async (_, make) => {
    const storage = await run();
    const folder = storage.folder('checkpoints');
    await make(folder, 'step-99999999');
    expect((await latestCheckpoint(storage))!.step).toBe(3);
    (await load(storage)).dispose();
    // It is in nobody's way, and is kept.
    await make(folder, 'step-00000004');
    await saveCheckpoint(storage, { model: create(4), step: 4, keep: 2 });
    expect(await folder.list()).toEqual(['step-00000003', 'step-00000004', 'step-00000004.stray', 'step-99999999']);
    expect((await latestCheckpoint(storage))!.step).toBe(4);
  });
});
