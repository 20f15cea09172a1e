import { oneProcess, type Communicator } from '@sympow/core';
import { textSource, trainingBatches } from '@sympow/data';
import { js } from '@sympow/kernels';
import { ranksInOneProcess } from '@sympow-tools/tiny';
import { latestCheckpoint, memoryStorage, Model, modelConfig, variants } from '@sympow/model';
import { expect, it } from 'vitest';
import type { TrainingEvent, TrainingOptions } from './api';
import { heldOutLoss, heldOutStreams } from './loss';
import { rowsOf } from './ranks';
import { train } from './train';

const backend = await js().open();
const shape = { vocabSize: 256, hiddenSize: 8, layers: 1, heads: 2, headSize: 4 };
const data = textSource('to be or not to be, that is the question. '.repeat(40));

const model = (seed = 1) => Model.create(backend, modelConfig({ ...variants.conformal, ...shape }), { seed });

/** What one rank tells, and its last weights. */
async function rank(communicator: Communicator | undefined, more: Partial<TrainingOptions> = {}) {
  const own = model(more.seed);
  const options = { model: own, data, batch: 8, accumulate: 2, context: 12, steps: 100, learningRate: 1e-2, ...more };
  const told: TrainingEvent[] = [];
  try {
    for await (const event of train({ ...options, ...(communicator && { communicator }) })) told.push(event);
    const weights = [...own.parameters.values()].map(({ value }) => [...backend.readSync!(value)]);
    return { told, losses: lossesIn(told, 'step'), heldOut: lossesIn(told, 'evaluation'), weights, end: told.at(-1) };
  } finally {
    own.dispose();
  }
}

const lossesIn = (told: readonly TrainingEvent[], type: 'step' | 'evaluation') =>
  told.flatMap((event) => (event.type === type ? [event.loss] : []));

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
    const { losses, weights } = await rank(oneProcess, { learningRate });
    expect({ losses, weights }).toEqual({ losses: alone.losses, weights: alone.weights });
    for (const size of [2, 4]) {
      const [first, ...others] = await ranks(size, () => ({ learningRate }));
      expect(furthest(first!.losses, alone.losses)).toBeLessThan(1e-5);
      for (const { told, weights } of others) {
        expect({ told, weights }).toEqual({ told: [first!.end], weights: first!.weights });
      }
      const again = await ranks(size, () => ({ learningRate }));
      expect(again.map((each) => each.weights)).toEqual(again.map(() => first!.weights));
    }
  },
);

// Of a gradient at most u is lost, 2⁻⁸ with bfloat16 and 2⁻¹¹ with float16, twice. Of 5,000 weights as many are off upwards as downwards, so of what
// losses go down by, 0.24 here, they should lose about u / √5000, and get room for seven times that: 2.9e-6 and 9.5e-7 were measured.
it.each([
  ['bfloat16', 2 ** -8],
  ['float16', 2 ** -11],
] as const)(
  'gradients that travel as %s lose digits, losses do not',
  { timeout: 60_000 },
  async (gradientFormat, unit) => {
    const run = { steps: 60, learningRate: 6e-4 };
    const [whole] = await ranks(2, () => run);
    const [first, second] = await ranks(2, () => ({ ...run, gradientFormat }));
    expect(first!.losses[0], 'the loss before any update').toBe(whole!.losses[0]);
    expect(first!.losses).not.toEqual(whole!.losses);
    const gone = whole!.losses[0]! - Math.min(...whole!.losses);
    expect(furthest(first!.losses, whole!.losses)).toBeLessThan((unit * gone) / 10);
    expect(second!.weights).toEqual(first!.weights);
    expect((await ranks(2, () => ({ ...run, gradientFormat })))[1]!.weights).toEqual(first!.weights);
  },
);

// At a high rate rounding grows, with or without ranks: one rank in four pieces instead of two was 8.4e-5 away, two ranks 2.9e-5.
it('where rounding grows, ranks are no further from one than other pieces are', { timeout: 120_000 }, async () => {
  const alone = await rank(undefined);
  for (const size of [2, 4]) expect(furthest((await ranks(size))[0]!.losses, alone.losses)).toBeLessThan(1e-4);
});

it('every row of a batch is computed by one rank, and what is drawn does not depend on how many there are', async () => {
  const packed = textSource(['to be ', 'or not to be, ', 'that is'].map((text, i) => ({ name: `${i}`, text })));
  for (const source of [data, packed]) {
    const alone = trainingBatches(source, { batch: 8, context: 12 });
    const all = ranksInOneProcess(4).map((each) => [each, trainingBatches(source, { batch: 8, context: 12 })] as const);
    for (let step = 0; step < 3; step++) {
      const whole = await alone.next();
      const parts = await Promise.all(all.map(async ([each, batches]) => rowsOf(await batches.next(), each)));
      expect(parts.map(({ batch }) => batch)).toEqual([2, 2, 2, 2]);
      for (const of of ['inputs', 'targets', 'resets'] as const)
        expect(parts.flatMap((part) => [...(part[of] ?? [])])).toEqual([...(whole[of] ?? [])]);
    }
  }
});

it('held-out rows are shared out, and come to the same for any number of ranks', { timeout: 60_000 }, async () => {
  let read = 0;
  const counted = { ...data, read: (...at: Parameters<typeof data.read>) => (read++, data.read(...at)) };
  const evaluation = { data: counted, rows: 10, batch: 2, context: 20 };
  const own = model();
  const one = await heldOutLoss(own, heldOutStreams({ ...evaluation, every: 1 }), undefined);
  const alone = read;
  for (const size of [2, 4]) {
    read = 0;
    const all = ranksInOneProcess(size).map((each) =>
      heldOutLoss(own, heldOutStreams({ ...evaluation, every: 1 }), undefined, each),
    );
    expect(await Promise.all(all)).toEqual(Array.from({ length: size }, () => one));
    expect(read, 'no row is read twice').toBe(alone);
    const stopped = ranksInOneProcess(size).map((each) =>
      heldOutLoss(
        own,
        heldOutStreams({ ...evaluation, every: 1 }),
        each.rank === 1 ? AbortSignal.abort() : undefined,
        each,
      ),
    );
    expect(await Promise.all(stopped)).toEqual(Array.from({ length: size }, () => undefined));
  }
  const [first, second] = await ranks(2, () => ({ steps: 4, evaluation: { ...evaluation, every: 2 } }));
  expect([first!.heldOut.length, second!.heldOut.length]).toEqual([2, 0]);
});

it('rank 0 alone saves, all go on from there, and a signal to one stops all', { timeout: 60_000 }, async () => {
  const storage = memoryStorage();
  const run = { steps: 6, decaySteps: 6, warmup: 2, checkpoints: { storage, every: 2 } };
  const stop = new AbortController();
  stop.abort();
  const stopped = await ranks(2, (each) => ({ ...run, ...(each === 1 && { signal: stop.signal }) }));
  expect(stopped[1]!.end).toEqual(stopped[0]!.end);
  expect(stopped[1]!.end).toMatchObject({ stopped: true, checkpoint: 'memory/checkpoints/step-00000001' });
  const resumed = await ranks(2, () => run);
  expect(resumed[0]!.told[0]).toMatchObject({ type: 'start', step: 1 });
  const whole = await ranks(2, () => ({ ...run, checkpoints: { storage: memoryStorage() } }));
  expect(resumed[1]!.weights).toEqual(whole[0]!.weights);
});

it('ranks with other settings, data or weights end before anything is trained or saved', async () => {
  const storage = memoryStorage();
  const [first, second] = ranksInOneProcess(2);
  const checkpoints = { storage, every: 2 };
  const outcomes = await Promise.allSettled([
    rank(first, { steps: 2, checkpoints }),
    rank(second, { steps: 2, checkpoints, seed: 2 }),
  ]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ reason: { code: 'CONFIG', problem: 'seed of rank 1 is 2' } });
  }
  expect(await latestCheckpoint(storage)).toBe(undefined);

  const formats = await Promise.allSettled(
    ranksInOneProcess(2).map((each) => rank(each, each.rank === 1 ? { gradientFormat: 'float16' } : {})),
  );
  for (const outcome of formats) {
    expect(outcome).toMatchObject({ reason: { code: 'CONFIG', problem: 'gradientFormat of rank 1 is "float16"' } });
  }

  const mixed = await Promise.allSettled(
    ranksInOneProcess(2).map((each) => rank(each, each.rank === 1 ? { data: textSource('to be '.repeat(200)) } : {})),
  );
  for (const outcome of mixed) {
    expect(outcome).toMatchObject({
      reason: { code: 'CONFIG', problem: expect.stringMatching(/^data: \w+ of rank 1/) as string },
    });
  }

  const both = [model(), model()] as const;
  const trainOne = async (each: Communicator) => {
    const options = { model: both[each.rank]!, data, batch: 8, context: 12, steps: 4, checkpoints, communicator: each };
    for await (const event of train(options)) {
      const [weight] = both[1].parameters.values();
      if (event.type === 'step' && event.step === 1) backend.kernels.fill({ value: 0, y: weight!.value });
    }
  };
  const drifted = await Promise.allSettled(ranksInOneProcess(2).map(trainOne));
  for (const outcome of drifted) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'TRAINING' } });
  expect(await latestCheckpoint(storage)).toBe(undefined);
});

it('where the reader of one rank leaves, the others do not wait', async () => {
  const [first, second] = ranksInOneProcess(2);
  const options = { data, batch: 8, accumulate: 2, context: 12, steps: 50, learningRate: 1e-2 };
  const left = (async () => {
    for await (const event of train({ ...options, model: model(), communicator: first! }))
      if (event.type === 'step' && event.step === 2) break;
  })();
  const other = rank(second, options);
  await left;
  await expect(other).rejects.toThrow('process 0 left before the end');
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
