// What is refused leaves nothing behind.

import { leftBehind } from '@sympow/conformance';
import { byteTokenizer, evaluationStreams, recall, taskStreams, textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { Model, modelConfig } from '@sympow/model';
import { expect, it } from 'vitest';
import { generateUntil } from './generateUntil';
import { lossByPosition } from './lossByPosition';
import { loglikelihood, loglikelihoodRolling } from './loglikelihood';
import { recallAccuracy } from './recall';

const backend = await js().open();
const live = () => backend.memory().liveBuffers;
const shape = { hiddenSize: 8, layers: 1, heads: 2, headSize: 4 };
const model = Model.create(backend, modelConfig({ vocabSize: 256, ...shape }), { seed: 1 });
const small = Model.create(backend, modelConfig({ vocabSize: 11, ...shape }));
const tokenizer = byteTokenizer();
const data = textSource([{ name: 'text', text: 'It was the best of times. '.repeat(20) }]);
const streams = evaluationStreams(data, { length: 12, batch: 2, maximum: 4 });
const examples = taskStreams(recall({ pairs: [2] }), { length: 24, count: 4, batch: 2 });
const choices = ['lamb', 'wolf'].map((continuation) => ({ context: 'a ', continuation }));
const questions = [{ context: 'It', until: ['x'], maxTokens: 3 }];
const signal = AbortSignal.abort(new Error('enough'));

async function all(values: AsyncIterable<unknown>): Promise<void> {
  for await (const value of values) void value;
}

it.each<[string, () => AsyncIterable<unknown>]>([
  ['lossByPosition', () => lossByPosition(model, streams, { piece: 5 })],
  ['recallAccuracy', () => recallAccuracy(model, examples, { piece: 9 })],
  ['loglikelihood', () => loglikelihood(model, tokenizer, choices, { piece: 3 })],
  ['loglikelihoodRolling', () => loglikelihoodRolling(model, tokenizer, ['a lamb', 'b'], { piece: 3 })],
  ['generateUntil', () => generateUntil(model, tokenizer, questions)],
])('%s leaves nothing behind where the backend refuses, or its reader leaves', async (_, call) => {
  expect(await leftBehind(backend, () => all(call()))).toEqual([]);
  const before = live();
  for await (const value of call()) {
    void value;
    break;
  }
  expect(live()).toBe(before);
});

it.each<[string, () => AsyncIterable<unknown>]>([
  ['a piece of 0', () => lossByPosition(model, streams, { piece: 0 })],
  ['a first bin of 0', () => lossByPosition(model, streams, { first: 0 })],
  ['no streams', () => lossByPosition(model, { ...streams, count: 0, [Symbol.asyncIterator]: undefined! })],
  ['streams of another vocabulary', () => lossByPosition(small, streams)],
  ['streams after an abort', () => lossByPosition(model, streams, { signal })],
  ['a piece of half a token', () => recallAccuracy(model, examples, { piece: 0.5 })],
  ['examples of another vocabulary', () => recallAccuracy(small, examples)],
  ['examples after an abort', () => recallAccuracy(model, examples, { signal })],
  ['an empty continuation', () => loglikelihood(model, tokenizer, [{ context: 'a', continuation: '' }])],
  ['an empty prefix', () => loglikelihood(model, tokenizer, choices, { prefix: [] })],
  ['a batch of 0', () => loglikelihood(model, tokenizer, choices, { batch: 0 })],
  ['choices of another vocabulary', () => loglikelihood(small, tokenizer, choices)],
  ['choices after an abort', () => loglikelihood(model, tokenizer, choices, { signal })],
  ['texts of another vocabulary', () => loglikelihoodRolling(small, tokenizer, ['abc'])],
  ['a prefix of another vocabulary', () => loglikelihoodRolling(model, tokenizer, ['abc'], { prefix: [256] })],
  ['texts after an abort', () => loglikelihoodRolling(model, tokenizer, ['abc'], { signal })],
  ['questions of another vocabulary', () => generateUntil(small, tokenizer, questions)],
  ['a temperature below 0', () => generateUntil(model, tokenizer, questions, { temperature: -1 })],
  ['half a token at most', () => generateUntil(model, tokenizer, [{ context: 'a', maxTokens: 0.5 }])],
  ['questions after an abort', () => generateUntil(model, tokenizer, questions, { signal })],
])('%s leaves nothing behind', async (_, call) => {
  const before = live();
  await expect((async () => all(call()))()).rejects.toThrow();
  expect(live()).toBe(before);
});
