// Several processes find what one finds, to the last bit, and each group is read by one of them alone.

import type { Communicator } from '@sympow/core';
import { byteTokenizer, evaluationStreams, recall, taskStreams, textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { Model, modelConfig, variants } from '@sympow/model';
import { ranksInOneProcess } from '@sympow-tools/tiny';
import { expect, it } from 'vitest';
import { generateUntil } from './generateUntil';
import { lossByPosition } from './lossByPosition';
import { loglikelihood, loglikelihoodRolling } from './loglikelihood';
import { recallAccuracy } from './recall';

const backend = await js().open();
const shape = { vocabSize: 256, hiddenSize: 8, layers: 1, heads: 2, headSize: 4 };
const model = Model.create(backend, modelConfig({ ...variants.conformal, ...shape }), { seed: 1 });
const tokenizer = byteTokenizer();
let read = 0;
const text = textSource([{ name: 'text', text: 'It was the best of times. '.repeat(20) }]);
const data = { ...text, read: (...at: Parameters<typeof text.read>) => (read++, text.read(...at)) };
const streams = evaluationStreams(data, { length: 20, batch: 2, maximum: 11 });
const examples = taskStreams(recall({ pairs: [2, 3] }), { length: 32, count: 10, batch: 2 });
const texts = ['a lamb', 'b', 'It was', 'the best of', 'times'];
const choices = texts.map((continuation) => ({ context: 'a ', continuation }));
const questions = texts.map((context) => ({ context, until: ['x'], maxTokens: 5 }));

const calls: [string, (communicator?: Communicator) => AsyncIterable<unknown>][] = [
  ['lossByPosition', (communicator) => lossByPosition(model, streams, { piece: 7, first: 8, communicator })],
  ['recallAccuracy', (communicator) => recallAccuracy(model, examples, { piece: 9, communicator })],
  ['loglikelihood', (communicator) => loglikelihood(model, tokenizer, choices, { batch: 2, communicator })],
  ['loglikelihoodRolling', (communicator) => loglikelihoodRolling(model, tokenizer, texts, { batch: 1, communicator })],
  ['generateUntil', (communicator) => generateUntil(model, tokenizer, questions, { communicator })],
];

/** All that is told but progress, and how often there was some. */
async function told(events: AsyncIterable<unknown>) {
  const found: unknown[] = [];
  let progress = 0;
  for await (const event of events) {
    if ((event as { type?: string }).type === 'progress') progress++;
    else found.push(event);
  }
  return { found, progress };
}

/** Without what depends on the clock. */
const timeless = (found: unknown) =>
  JSON.parse(
    JSON.stringify(found, (key, value: unknown) => (/^(seconds|tokensPerSecond)$/.test(key) ? undefined : value)),
  ) as unknown;

it.each(calls)('%s by two and by four ranks is that of one', async (name, call) => {
  read = 0;
  const alone = await told(call());
  const reads = read;
  expect(await told(call(ranksInOneProcess(1)[0]))).toMatchObject({ progress: alone.progress });
  for (const size of [2, 4]) {
    read = 0;
    const all = await Promise.all(ranksInOneProcess(size).map((each) => told(call(each))));
    expect(read, 'nothing is read twice').toBe(reads);
    const [first, ...others] = all;
    expect(timeless(first!.found)).toEqual(timeless(alone.found));
    for (const other of others) expect(other).toEqual({ found: first!.found, progress: 0 });
    if (name === 'lossByPosition') expect(first!.progress).toBeGreaterThan(0);
    if (name === 'lossByPosition') expect(first!.progress).toBeLessThan(alone.progress);
  }
});

it.each(calls)('%s ends on all ranks where the reader of one leaves', async (_, call) => {
  const before = backend.memory().liveBuffers;
  const [first, second] = ranksInOneProcess(2);
  const left = (async () => {
    for await (const event of call(first)) if (event) break;
  })();
  await expect(Promise.all([left, told(call(second))])).rejects.toThrow('process 0 left before the end');
  expect(backend.memory().liveBuffers).toBe(before);
});
