import { heldOut, textSource } from '@sympow/data';
import { ConfigError, js, type Backend } from '@sympow/kernels';
import {
  CheckpointError,
  latestCheckpoint,
  loadModel,
  memoryStorage,
  Model,
  modelConfig,
  variants,
} from '@sympow/model';
import type { Variant } from '@sympow/model';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StepEvent, TrainingEvent, TrainingOptions, TrainingResult } from './api';
import { TrainingError } from './errors';
import { train } from './train';

let backend: Backend;
beforeAll(async () => {
  backend = await js().open();
});

const { train: data, heldOut: rest } = heldOut(textSource('abcdefghijklm'.repeat(100)));

function options(changes: Partial<TrainingOptions> = {}, variant: Variant = 'conformal'): TrainingOptions {
  const shape = { vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 };
  const config = modelConfig({ ...variants[variant], ...shape });
  const model = Model.create(backend, config, { seed: 1 });
  return { model, data, batch: 4, context: 16, steps: 4, ...changes };
}

/** Runs to the end. */
async function finish(run: AsyncGenerator<TrainingEvent, TrainingResult, undefined>) {
  const events: TrainingEvent[] = [];
  for (;;) {
    const { done, value } = await run.next();
    if (done) return { events, result: value };
    events.push(value);
  }
}

const stepsOf = (events: readonly TrainingEvent[]) =>
  events.filter((event): event is StepEvent => event.type === 'step');

describe('training', () => {
  it.each(Object.keys(variants) as Variant[])('learns the alphabet: %s', async (variant) => {
    const setting = options({ steps: 60, learningRate: 0.02, weightDecay: 0, evaluation: { data: rest } }, variant);
    const { events } = await finish(train(setting));
    const losses = stepsOf(events).map(({ loss }) => loss);
    expect(losses[0]).toBeGreaterThan(5);
    expect(losses.at(-1)).toBeLessThan(0.5);
    const evaluation = events.find((event) => event.type === 'evaluation')!;
    expect(evaluation).toMatchObject({ step: 60 });
    expect(evaluation.loss).toBeLessThan(0.5);
  });

  it('tells what it does, in order', async () => {
    const storage = memoryStorage('run');
    const { events, result } = await finish(
      train(
        options({
          steps: 5,
          warmup: 2,
          learningRate: 1e-3,
          evaluation: { data: rest, every: 2, rows: 2 },
          checkpoints: { storage, every: 2, keep: 2, files: { 'tokenizer.json': '{}' } },
        }),
      ),
    );
    expect(events.map(({ type, step }) => `${type} ${step}`)).toEqual([
      'start 0',
      'step 1',
      'step 2',
      'evaluation 2',
      'checkpoint 2',
      'step 3',
      'step 4',
      'evaluation 4',
      'checkpoint 4',
      'step 5',
      'evaluation 5',
      'checkpoint 5',
      'end 5',
    ]);
    expect(events[0]).toMatchObject({ steps: 5, resumedFrom: undefined, backend: 'js', tokensPerStep: 64 });
    const steps = stepsOf(events);
    expect(steps.map(({ learningRate }) => learningRate)).toEqual([5e-4, 1e-3, 0.000775, 0.000325, 0.0001].map(close));
    for (const event of steps) {
      expect(event.gradientNorm).toBeGreaterThan(0);
      expect(event.tokensPerSecond).toBeGreaterThan(0);
      expect(event.secondsLeft === 0).toBe(event.step === 5);
    }
    expect(result).toEqual({
      step: 5,
      steps: 5,
      stopped: false,
      loss: steps[4]!.loss,
      checkpoint: 'run/checkpoints/step-00000005',
    });
    const newest = (await latestCheckpoint(storage))!.storage;
    expect(await newest.list()).toEqual([
      'checksums.json',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'training.json',
      'training.safetensors',
    ]);
  });

  it('trains the model that it saves', async () => {
    const storage = memoryStorage();
    const setting = options({ checkpoints: { storage } });
    await finish(train(setting));
    const copy = await loadModel(backend, storage);
    for (const [name, { value }] of setting.model.parameters) {
      expect(await copy.parameters.get(name)!.value.read()).toEqual(await value.read());
    }
  });

  it('stays within the memory of its first step', async () => {
    const live: number[] = [];
    const allocations: number[] = [];
    const setting = options({
      steps: 100,
      batch: 2,
      accumulate: 2,
      context: 8,
      evaluation: { data: rest, every: 1, rows: 2 },
    });
    const before = backend.memory().liveBuffers;
    for await (const event of train(setting)) {
      if (event.type !== 'evaluation') continue;
      live.push(backend.memory().liveBuffers);
      allocations.push(backend.memory().allocations);
    }
    expect([live[9], live[99]]).toEqual([live[0], live[0]]);
    expect(new Set(allocations.slice(1)).size).toBe(1);
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('stops after the step under way when aborted, and saves', async () => {
    const storage = memoryStorage();
    const stop = new AbortController();
    const run = train(options({ steps: 1000, checkpoints: { storage }, signal: stop.signal }));
    const events: TrainingEvent[] = [];
    for await (const event of run) {
      events.push(event);
      if (event.step === 3) stop.abort();
    }
    expect(events.slice(-2)).toMatchObject([
      { type: 'checkpoint', step: 3 },
      { type: 'end', step: 3, stopped: true },
    ]);
    expect((await latestCheckpoint(storage))!.step).toBe(3);
  });

  it('lets timers run while a backend computes without pause', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 10);
    const { result } = await finish(train(options({ steps: 1000, signal: stop.signal })));
    expect(result.stopped).toBe(true);
    expect(result.step).toBeGreaterThan(0);
  });

  it('does nothing when aborted before it begins', async () => {
    const storage = memoryStorage();
    const { events, result } = await finish(train(options({ signal: AbortSignal.abort(), checkpoints: { storage } })));
    expect(events.map(({ type }) => type)).toEqual(['start', 'end']);
    expect(result).toMatchObject({ step: 0, stopped: true, loss: undefined, checkpoint: undefined });
  });

  it('gives its memory back when the loop is left', async () => {
    const setting = options({ steps: 1000 });
    const before = backend.memory().liveBuffers;
    for await (const event of train(setting)) if (event.step === 2) break;
    expect(backend.memory().liveBuffers).toBe(before);
  });
});

describe('a loss that is not a number', () => {
  it('ends the run before anything is harmed: a poisoned weight', async () => {
    const storage = memoryStorage('run');
    const setting = options({ steps: 9, checkpoints: { storage, every: 2 } });
    const { value } = setting.model.parameters.get('model.norm.weight')!;
    const failure = (async () => {
      for await (const event of train(setting)) {
        if (event.type !== 'step' || event.step !== 3) continue;
        backend.write(value, [NaN, ...(await value.read()).slice(1)]);
      }
    })();
    await expect(failure).rejects.toThrow(TrainingError);
    await expect(failure).rejects.toThrow(
      /^loss of step 4 is NaN; expected a finite number\. The last checkpoint, run\/checkpoints\/step-00000002, stays as it was\. .*lower learningRate/,
    );
    await expect(failure).rejects.toMatchObject({ code: 'TRAINING' });
    expect(await storage.folder('checkpoints').list()).toEqual(['step-00000002']);
    const weights = await setting.model.parameters.get('model.embed_tokens.weight')!.value.read();
    expect(weights.every(Number.isFinite)).toBe(true);
  });

  it('ends the run with the weights before that update: a huge learning rate', async () => {
    const setting = options({ steps: 50, warmup: 0, learningRate: 1e30, clip: Infinity });
    const before = backend.memory().liveBuffers;
    await expect(finish(train(setting))).rejects.toThrow(/^(loss|gradient norm) of step \d+ is (NaN|Infinity)/);
    expect(backend.memory().liveBuffers).toBe(before);
    for (const { value } of setting.model.parameters.values()) {
      expect((await value.read()).every(Number.isFinite)).toBe(true);
    }
  });
});

describe('what training refuses', () => {
  it.each([
    [{ batch: 0 }, /^batch is 0/],
    [{ batch: 4, accumulate: 3 }, /^accumulate is 3; expected a divisor of the batch, 4/],
    [{ accumulate: 0 }, /^accumulate is 0/],
    [{ context: 1.5 }, /^context is 1.5/],
    [{ steps: 0 }, /^steps is 0/],
    [{ seed: -1 }, /^seed is -1/],
    [{ learningRate: 0 }, /^learningRate is 0/],
    [{ warmup: 5 }, /^warmup is 5; expected a whole number from 0 to 4/],
    [{ floor: 2 }, /^floor is 2/],
    [{ clip: 0 }, /^clip is 0/],
    [{ weightDecay: -1 }, /^weightDecay is -1/],
    [{ evaluation: { data: rest, every: 0 } }, /^evaluation.every is 0/],
    [{ evaluation: { data: rest, rows: 0 } }, /^evaluation.rows is 0/],
    [{ checkpoints: { storage: memoryStorage(), every: 0 } }, /^checkpoints.every is 0/],
    [{ checkpoints: { storage: memoryStorage(), keep: 0 } }, /^checkpoints.keep is 0/],
    [{ data: { ...data, vocabSize: 257 } }, /^vocabSize of data is 257; expected at most the 256 of the model/],
    [{ evaluation: { data: { ...rest, vocabSize: 300 } } }, /^vocabSize of evaluation.data is 300/],
  ] as [Partial<TrainingOptions>, RegExp][])('%o, before anything runs', (wrong, message) => {
    const setting = options(wrong);
    expect(() => train(setting)).toThrow(ConfigError);
    expect(() => train(setting)).toThrow(message);
  });

  it('a folder that cannot be written, before the first step', async () => {
    const storage = memoryStorage();
    const full = new CheckpointError({ what: 'disk', value: 'full', expected: 'space' });
    const closed = {
      ...storage,
      folder: () => ({ ...storage, list: () => Promise.resolve([]), write: () => Promise.reject(full) }),
    };
    const events: TrainingEvent[] = [];
    const failure = (async () => {
      for await (const event of train(options({ checkpoints: { storage: closed } }))) events.push(event);
    })();
    await expect(failure).rejects.toBe(full);
    expect(events).toEqual([]);
  });
});

function close(expected: number): unknown {
  return expect.closeTo(expected, 12);
}
