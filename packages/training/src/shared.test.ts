import type { Communicator } from '@sympow/core';
import { textSource, trainingBatches } from '@sympow/data';
import { js, type Backend, type Tensor } from '@sympow/kernels';
import { Model, modelConfig, variants } from '@sympow/model';
import { ranksInOneProcess } from '@sympow-tools/tiny';
import { expect, it } from 'vitest';
import { AdamW } from './adamw';
import { SharedGradients } from './shared';

const shape = { vocabSize: 256, hiddenSize: 8, layers: 2, heads: 2, headSize: 4 };
const data = textSource('to be or not to be, that is the question. '.repeat(40));

/** A backend of its own that tells which kernels it launches, and with `late` reads as GPUs do. */
async function told(log: string[], late: boolean): Promise<Backend> {
  const backend = await js().open();
  const kernels = new Proxy(backend.kernels, {
    get: (all, name) => {
      log.push(String(name));
      return all[name as keyof typeof all];
    },
  });
  Object.defineProperty(backend, 'kernels', { value: kernels });
  if (late) {
    const atOnce = backend.readSync!.bind(backend);
    Object.defineProperty(backend, 'readSync', { value: undefined });
    Object.defineProperty(backend, 'read', { value: (tensor: Tensor) => Promise.resolve(atOnce(tensor)) });
  }
  return backend;
}

/** Three updates of one rank: what it did of the last one, what it has then, and the lengths of its sums. */
async function updates(communicator: Communicator, most: number, late = false) {
  const log: string[] = [];
  const lengths: number[] = [];
  const backend = await told(log, late);
  const model = Model.create(backend, modelConfig({ ...variants.conformal, ...shape }), { seed: 1 });
  const optimizer = new AdamW(backend, model.trained, model.decays);
  const heard: Communicator = {
    ...communicator,
    allReduce(numbers, ...more) {
      log.push('sum');
      lengths.push(numbers.length);
      return communicator.allReduce(numbers, ...more);
    },
  };
  const shared = new SharedGradients(model, heard, 'float32', most);
  const batches = trainingBatches(data, { batch: 4, context: 12 });
  const losses: number[] = [];
  let atOnce = 0;
  for (let step = 0; step < 3; step++) {
    log.length = lengths.length = 0;
    const update = shared.step(optimizer, [await batches.next(), await batches.next()], 1e-2, false);
    atOnce = lengths.length;
    const { loss, squaredNorm } = await update;
    losses.push((await loss.read())[0]!, (await squaredNorm.read())[0]!);
    for (const tensor of [loss, squaredNorm]) tensor.dispose();
  }
  const weights = [];
  for (const { value } of model.parameters.values()) weights.push([...(await value.read())]);
  return { log, lengths, atOnce, result: { losses, weights } };
}

const ranks = (size: number, most: number, late?: boolean) =>
  Promise.all(ranksInOneProcess(size).map((each) => updates(each, most, late)));

it('buckets are summed while the backward pass runs, to the same bits as one sum of all', async () => {
  const [whole] = await ranks(2, Infinity);
  expect(whole!.lengths).toHaveLength(1);
  const [first, ...others] = await ranks(2, 200);
  expect(first!.lengths.length).toBeGreaterThan(4);
  expect(first!.lengths.reduce((a, b) => a + b)).toBe(whole!.lengths[0]);
  expect(first!.atOnce, 'all are under way before anything is waited for').toBe(first!.lengths.length);
  const between = first!.log.slice(first!.log.indexOf('sum'), first!.log.lastIndexOf('sum'));
  expect(between.filter((name) => name.endsWith('Backward')).length).toBeGreaterThan(4);
  expect(first!.result).toEqual(whole!.result);
  for (const { lengths, result } of others)
    expect({ lengths, result }).toEqual({ lengths: first!.lengths, result: first!.result });
});

it('a device that reads later is asked while the pass runs, and comes to the same', async () => {
  const [[first], [late]] = await Promise.all([ranks(2, 200), ranks(2, 200, true)]);
  expect(late!.atOnce).toBe(0);
  expect({ lengths: late!.lengths, result: late!.result }).toEqual({ lengths: first!.lengths, result: first!.result });
});
