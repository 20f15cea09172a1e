import { oneProcess, type Communicator } from '@sympow/core';
import { textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { memoryStorage, Model, modelConfig, variants } from '@sympow/model';
import { expect, it } from 'vitest';
import type { TrainingOptions } from './api';
import { ranksInOneProcess } from './inOneProcess.cases';
import { train } from './train';

const backend = await js().open();
const shape = { vocabSize: 256, hiddenSize: 8, layers: 1, heads: 2, headSize: 4 };
const data = textSource('to be or not to be, that is the question. '.repeat(40));

/** The losses of one rank, and its last weights. */
async function rank(communicator: Communicator | undefined, more: Partial<TrainingOptions> = {}) {
  const model = Model.create(backend, modelConfig({ ...variants.conformal, ...shape }), { seed: 1 });
  const options = { model, data, batch: 8, accumulate: 2, context: 12, steps: 100, learningRate: 1e-2, ...more };
  const losses: number[] = [];
  let checkpoints = 0;
  for await (const event of train({ ...options, ...(communicator && { communicator }) })) {
    if (event.type === 'step') losses.push(event.loss);
    if (event.type === 'checkpoint') checkpoints++;
  }
  const weights = [...model.parameters.values()].map(({ value }) => [...backend.readSync!(value)]);
  model.dispose();
  return { losses, weights, checkpoints };
}

const furthest = (ours: readonly number[], others: readonly number[]) =>
  Math.max(...ours.map((loss, i) => Math.abs(loss - others[i]!)));

const ranks = (size: number, more?: (rank: number) => Partial<TrainingOptions>) =>
  Promise.all(ranksInOneProcess(size).map((each) => rank(each, more?.(each.rank))));

it(
  'several ranks train as one does, each time to the last bit, and end with the same weights',
  { timeout: 120_000 },
  async () => {
    const learningRate = 6e-4;
    const alone = await rank(undefined, { learningRate });
    expect(await rank(oneProcess, { learningRate })).toEqual(alone);
    for (const size of [2, 4]) {
      const [first, ...others] = await ranks(size, () => ({ learningRate }));
      expect(furthest(first!.losses, alone.losses)).toBeLessThan(1e-5);
      for (const other of others) expect(other).toEqual(first);
      expect((await ranks(size, () => ({ learningRate })))[0]).toEqual(first);
    }
  },
);

// At a high rate rounding grows, with or without ranks: one rank in four pieces instead of two was 8.4e-5 away, two ranks 2.9e-5.
it('where rounding grows, ranks are no further from one than other pieces are', { timeout: 120_000 }, async () => {
  const alone = await rank(undefined);
  for (const size of [2, 4]) expect(furthest((await ranks(size))[0]!.losses, alone.losses)).toBeLessThan(1e-4);
});

it('rank 0 alone saves, all go on from there, and a signal to one stops all', { timeout: 60_000 }, async () => {
  const storage = memoryStorage();
  const run = { steps: 6, decaySteps: 6, warmup: 2, checkpoints: { storage, every: 2 } };
  const stop = new AbortController();
  stop.abort();
  const stopped = await ranks(2, (each) => ({ ...run, ...(each === 1 && { signal: stop.signal }) }));
  expect(new Set(stopped.map(({ losses }) => losses.length)).size).toBe(1);
  const resumed = await ranks(2, () => run);
  expect(resumed.map(({ checkpoints }) => checkpoints > 0)).toEqual([true, false]);
  const whole = await ranks(2, () => ({ ...run, checkpoints: { storage: memoryStorage() } }));
  expect(resumed[1]!.weights).toEqual(whole[0]!.weights);
});

it('what goes wrong on one rank ends the others, and rows that cannot be shared out are refused', async () => {
  const broken = {
    ...data,
    read: () => {
      throw new Error('a broken disk');
    },
  };
  const all = ranksInOneProcess(2).map((each) => rank(each, { steps: 2, ...(each.rank === 1 && { data: broken }) }));
  const outcomes = await Promise.allSettled(all);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(rank(ranksInOneProcess(3)[0])).rejects.toThrow(
    'rows of a piece is 4; expected a multiple of the 3 processes',
  );
});
