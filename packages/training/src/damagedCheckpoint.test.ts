import { Random } from '@sympow/kernels';
import { CheckpointError, memoryStorage } from '@sympow/model';
import { describe, expect, it } from 'vitest';
import { backend, files, options, run, undisturbed } from './resume.cases';

describe('a checkpoint that is damaged', () => {
  it('is not gone on from, whichever bit it is, and the one before it is named', async () => {
    const storage = memoryStorage('run');
    await run(options(storage), 4);
    const newest = storage.folder('checkpoints').folder('step-00000004');
    const random = new Random(1, 'bits');
    const live = backend.memory().liveBuffers;
    for (const name of ['training.safetensors', 'model.safetensors', 'training.json', 'config.json']) {
      for (let i = 0; i < 60; i++) {
        const sound = await newest.read(name);
        const bytes = sound.slice();
        bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
        await newest.write(name, bytes);
        const { model, ...setting } = options(storage);
        const error: unknown = await run({ model, ...setting }).catch((thrown: unknown) => thrown);
        expect(error, name).toBeInstanceOf(CheckpointError);
        expect((error as Error).message).toMatch(
          /^run\/checkpoints\/step-00000004\/.* is not as it was saved: its hash .* run\/checkpoints\/step-00000002 is intact: use that, or move run\/checkpoints\/step-00000004 away/,
        );
        model.dispose();
        expect(backend.memory().liveBuffers).toBe(live);
        await newest.write(name, sound);
      }
    }
    await newest.write('training.json', '{}');
    await storage.folder('checkpoints').remove('step-00000004');
    expect((await run(options(storage)))[0]).toMatchObject({ step: 2 });
    expect(await files(storage)).toEqual(await undisturbed());
  });

  it('is not gone on from under the name of another step', async () => {
    const storage = memoryStorage('run');
    await run(options(storage), 3);
    await storage.folder('checkpoints').rename('step-00000003', 'step-00000004');
    await expect(run(options(storage))).rejects.toThrow(CheckpointError);
    await expect(run(options(storage))).rejects.toThrow(
      /^step in run\/checkpoints\/step-00000004\/training\.json is 3; expected 4, as the name of the folder says/,
    );
  });

  it('does not count where it is a stray file or an empty folder', async () => {
    const storage = memoryStorage();
    await run(options(storage), 2);
    await storage.folder('checkpoints').write('step-99999999', '');
    await storage.folder('checkpoints').write('step-00000004', '');
    await run(options(storage));
    expect(await files(storage)).toEqual(await undisturbed());
  });
});
