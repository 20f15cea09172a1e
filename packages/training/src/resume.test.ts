import { heldOut, recall, taskBatches, textSource, trainingBatches } from '@sympow/data';
import { ConfigError, isSympowError, js } from '@sympow/kernels';
import { latestCheckpoint, memoryStorage, Model, modelConfig, saveModel, type Storage } from '@sympow/model';
import { describe, expect, it } from 'vitest';
import type { TrainingEvent, TrainingOptions } from './api';
import { backend, config, data, files, options, run, text, undisturbed } from './resume.cases';
import { readTraining } from './resume';

/** The storage of a process that dies after so many changes. */
function dyingAfter(storage: Storage, life: { left: number }): Storage {
  const change =
    <A extends unknown[]>(call: (...parameters: A) => Promise<void>) =>
    async (...parameters: A) => {
      if (life.left-- <= 0) throw new Error('dead');
      await call(...parameters);
    };
  return {
    path: storage.path,
    list: () => storage.list(),
    size: (name) => storage.size(name),
    read: (...range) => storage.read(...range),
    write: change((name, contents) => storage.write(name, contents)),
    rename: change((from, to) => storage.rename(from, to)),
    remove: change((name) => storage.remove(name)),
    folder: (name) => dyingAfter(storage.folder(name), life),
  };
}

describe('a run that goes on', () => {
  it('ends with the same files as one that was never stopped, wherever it stopped', async () => {
    const expected = await undisturbed();
    for (let step = 1; step < 6; step++) {
      const storage = memoryStorage('run');
      await run(options(storage), step);
      const events = await run(options(storage));
      const resumedFrom = `run/checkpoints/step-0000000${step}`;
      expect(events[0]).toMatchObject({ type: 'start', step, resumedFrom });
      expect(events[1]).toMatchObject({ type: 'step', step: step + 1 });
      expect(await files(storage)).toEqual(expected);
    }
  });

  it('does so after death at any change to its folder', async () => {
    const expected = await undisturbed();
    let deaths = 0;
    for (let changes = 0; ; changes++) {
      const storage = memoryStorage();
      const dying = options(dyingAfter(storage, { left: changes }));
      const died = await run(dying).then(
        () => false,
        (error: Error) => error.message === 'dead',
      );
      if (!died) break;
      deaths++;
      await run(options(storage));
      expect(await files(storage)).toEqual(expected);
      // One more where death came between the last checkpoint and the removal of the oldest.
      const names = await storage.folder('checkpoints').list();
      expect(names.slice(-2)).toEqual(['step-00000004', 'step-00000006']);
      expect(names.length - 2).toBe(names[0] === 'step-00000002' ? 1 : 0);
    }
    // The probe and its removal; seven changes for each of three checkpoints, and two more for the one that is retired.
    expect(deaths).toBe(2 + 3 * 7 + 2);
  });

  it('does so in pieces, and from data that answer later', async () => {
    const later = { ...data, read: async (...range: Parameters<typeof data.read>) => data.read(...range) };
    const expected = await undisturbed({ accumulate: 2 });
    const storage = memoryStorage();
    await run(options(storage, { accumulate: 2, data: later }), 3);
    await run(options(storage, { accumulate: 2, data: (batches) => trainingBatches(later, batches) }));
    expect(await files(storage)).toEqual(expected);
  });

  it('has nothing left to do once it has ended', async () => {
    const storage = memoryStorage();
    await run(options(storage));
    const events = await run(options(storage));
    expect(events.map(({ type }) => type)).toEqual(['start', 'end']);
    expect(events[1]).toMatchObject({ step: 6, stopped: false });
  });

  it('may be made longer or shorter, keeping its schedule', async () => {
    const storage = memoryStorage();
    await run(options(storage, { steps: 10 }), 2);
    const shorter = await run(options(storage, { steps: 4 }));
    expect(shorter.at(-1)).toMatchObject({ type: 'end', step: 4, stopped: false });
    const longer = await run(options(storage, { steps: 12 }));
    const rates = longer.flatMap((event) => (event.type === 'step' ? [event.learningRate] : []));
    expect(rates.slice(-3)).toEqual([1e-3, 1e-3, 1e-3].map((rate) => expect.closeTo(rate, 12) as unknown));

    const whole = memoryStorage();
    await run(options(whole, { steps: 12, decaySteps: 10 }));
    expect((await files(storage))['model.safetensors']).toBe((await files(whole))['model.safetensors']);
  });

  it('may be computed in other pieces: the same up to rounding', async () => {
    const storage = memoryStorage();
    await run(options(storage), 3);
    const events = await run(options(storage, { accumulate: 2 }));
    const expected = await run(options(memoryStorage()));
    const last = (all: TrainingEvent[]) => (all.at(-1) as { loss: number }).loss;
    expect(last(events)).toBeCloseTo(last(expected), 5);
  });

  it('may never clip, although JSON has no infinity', async () => {
    const expected = await undisturbed({ clip: Infinity });
    const storage = memoryStorage();
    await run(options(storage, { clip: Infinity }), 4);
    await run(options(storage, { clip: Infinity }));
    expect(await files(storage)).toEqual(expected);
    expect((await readTraining((await latestCheckpoint(storage))!.storage))!.clip).toBe(Infinity);
  });
});

describe('a run that is not the same', () => {
  const other = textSource(text.replaceAll('rose', 'nose'));
  const texts = (...all: string[]) => textSource(all.map((one) => ({ name: one, text: `${one} ${text}` })));
  const longer = textSource(`${text}!`);
  const wider = () => Model.create(backend, modelConfig({ ...config, hiddenSize: 16 }));
  it.each([
    [() => ({ batch: 4 }), /^batch is 4; expected 2, as in run\/checkpoints\/step-00000002\. Go on with what/],
    [() => ({ context: 7 }), /^context is 7; expected 8/],
    [() => ({ seed: 1 }), /^seed is 1; expected 0/],
    [() => ({ learningRate: 2e-2 }), /^learningRate is 0.02; expected 0.01/],
    [() => ({ warmup: 2 }), /^warmup is 2; expected 1/],
    [() => ({ decaySteps: 7 }), /^decaySteps is 7; expected 6/],
    [() => ({ clip: Infinity }), /^clip is Infinity; expected 1/],
    [() => ({ weightDecay: 0 }), /^weightDecay is 0; expected 0.1/],
    [() => ({ model: wider() }), /^model: hidden_size is 16; expected 8/],
    [() => ({ data: longer }), /^data: tokens is 337; expected 336/],
    [() => ({ data: other }), /^data: content is "[0-9a-f]{32}"; expected "[0-9a-f]{32}", as in run/],
    [() => ({ data: textSource(`${text.slice(0, -2)}!${text.slice(-1)}`) }), /^data: content is/],
    [() => ({ data: texts('a', 'b') }), /^data: documents is 2; expected 1/],
    [() => ({ data: (batches) => trainingBatches(other, batches) }), /^data: content is/],
    [
      (storage) => ({ checkpoints: { storage, resume: false } }),
      /^run holds a run already, and resume is false; expected a folder without checkpoints/,
    ],
  ] as [(storage: Storage) => Partial<TrainingOptions>, RegExp][])('is refused: %s', async (change, message) => {
    const storage = memoryStorage('run');
    await run(options(storage), 2);
    const before = await files(storage);
    const setting = options(storage, change(storage));
    const live = backend.memory().liveBuffers;
    const failure = run(setting);
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(message);
    expect(await files(storage)).toEqual(before);
    expect(backend.memory().liveBuffers).toBe(live);
  });

  it.each([
    ['without its training', (s) => s.remove('training.json'), /holds a model but no training\.json/],
    [
      'of another version',
      (s) => s.write('training.json', '{"version": 2}'),
      /version in .*training\.json is 2; expected 1/,
    ],
    ['that is null', (s) => s.write('training.json', 'null'), /version in/],
    ['cut short', (s) => s.write('training.json', '{"version"'), /training\.json cannot be read/],
    ['without settings', (s) => s.write('training.json', '{"version": 1, "step": 2}'), /settings in .* is undefined/],
    ['without moments', (s) => s.remove('training.safetensors'), /there is no file .*training\.safetensors/],
    [
      'with other moments',
      async (s) => s.write('training.safetensors', await s.read('model.safetensors')),
      /a tensor in .*training\.safetensors is "model/,
    ],
  ] as [string, (storage: Storage) => Promise<void>, RegExp][])(
    'is refused: a checkpoint %s',
    async (_, damage, message) => {
      const storage = memoryStorage('run');
      await run(options(storage), 2);
      const newest = storage.folder('checkpoints').folder('step-00000002');
      await newest.remove('checksums.json');
      await damage(newest);
      const failure = run(options(storage));
      await expect(failure).rejects.toSatisfy((e) => isSympowError(e, 'CHECKPOINT') || isSympowError(e, 'STORAGE'));
      await expect(failure).rejects.toThrow(message);
    },
  );
});

describe('data of the same size', () => {
  const texts = (...all: string[]) => textSource(all.map((one) => ({ name: one, text: `${one} ${text}` })));
  const pairs = (pairs: number | number[]): TrainingOptions['data'] => {
    const task = recall({ pairs });
    return (batches) => taskBatches(task, batches);
  };
  it.each([
    ['texts in another order', texts('a', 'b'), texts('b', 'a')],
    ['a text in which the last letter is another', texts('a'), textSource(`a ${text.slice(0, -1)}?`)],
    ['another part of the same text', heldOut(texts('a')).heldOut, heldOut(texts('b')).train],
    ['a task with other options', pairs(2), pairs([2, 3])],
  ] as [string, TrainingOptions['data'], TrainingOptions['data']][])('are told apart: %s', async (_, data, other) => {
    const storage = memoryStorage();
    const shape = { context: 16 };
    await run(options(storage, { data, ...shape }), 2);
    await expect(run(options(storage, { data: other, ...shape }))).rejects.toThrow(
      /^data: \w+ is .*; expected .*, as in/,
    );
    await run(options(storage, { data, ...shape }));
  });

  it('of a run that an earlier version began are known by one row, which is said once', async () => {
    const storage = memoryStorage();
    await run(options(storage), 2);
    const newest = (await latestCheckpoint(storage))!.storage;
    const state = JSON.parse(new TextDecoder().decode(await newest.read('training.json'))) as Record<string, unknown>;
    await newest.remove('checksums.json');
    const mark = { documents: 1, tokens: 336, firstRow: 182_126_621 };
    const { computed: _, ...old } = state;
    await newest.write('training.json', JSON.stringify({ ...old, data: mark }));

    const other = textSource(text.replaceAll('rose', 'nose'));
    await expect(run(options(storage, { data: other }))).rejects.toThrow(/^data: firstRow is \d+; expected 182126621/);
    const [start] = await run(options(storage), 3);
    expect(start).toMatchObject({ notes: [expect.stringMatching(/^an earlier version began this run/)] });
    await expect(run(options(storage, { data: other }))).rejects.toThrow(/^data: content is/);
    const [again] = await run(options(storage));
    expect(again).toMatchObject({ notes: [] });
  });
});

describe('a run that is computed otherwise when it goes on', () => {
  const create = (compute: object) => Model.create(backend, config, { seed: 1, ...compute });
  it.each([
    [() => ({}), []],
    [() => ({ accumulate: 2 }), [/^accumulate 2 instead of 1: from here on, weights may differ by rounding/]],
    [() => ({ model: create({ form: 'chunked' }) }), [/^form chunked instead of auto:/]],
    [() => ({ model: create({ chunk: 4 }), accumulate: 2 }), [/^chunk 4 instead of auto, accumulate 2 instead of 1:/]],
    [
      async () => ({ model: Model.create(await js({ float: 'float64' }).open(), config, { seed: 1 }) }),
      [/^backend js64 instead of js: /],
    ],
  ] as [() => Partial<TrainingOptions> | Promise<Partial<TrainingOptions>>, RegExp[]][])(
    'says so in one line: %s',
    async (change, lines) => {
      const storage = memoryStorage();
      const [first] = await run(options(storage), 2);
      expect(first).toMatchObject({ type: 'start', notes: [] });
      const changed = await change();
      const [start] = await run(options(storage, changed), 4);
      expect(start).toMatchObject({
        type: 'start',
        step: 2,
        notes: lines.map((line) => expect.stringMatching(line) as unknown),
      });
      // What it is computed by now is what the next one is set against.
      const [next] = await run(options(storage, await change()));
      expect(next).toMatchObject({ notes: [] });
    },
  );
});

describe('the record of a training', () => {
  it('holds the step and the settings, and is absent for a model alone', async () => {
    const storage = memoryStorage();
    await run(options(storage));
    const record = await readTraining((await latestCheckpoint(storage))!.storage);
    expect(record).toMatchObject({ step: 6, batch: 2, context: 8, learningRate: 1e-2, decaySteps: 6, warmup: 1 });
    const alone = memoryStorage();
    await saveModel(alone, Model.create(backend, config));
    expect(await readTraining(alone)).toBeUndefined();
  });
});
