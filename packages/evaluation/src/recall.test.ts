import { Tape } from '@sympow/autograd';
import { DataError, recall, taskStreams, type Task } from '@sympow/data';
import { ConfigError, js, type Backend } from '@sympow/kernels';
import { Model, modelConfig, variants } from '@sympow/model';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RecallAccuracy, RecallAccuracyOptions } from './api';
import { recallAccuracy } from './recall';

const V = 16;
const shape = { vocabSize: V, hiddenSize: 16, layers: 1, heads: 2, headSize: 4 };
let backend: Backend;
let model: Model;

beforeEach(async () => {
  backend = await js({ float: 'float64' }).open();
  model = Model.create(backend, modelConfig({ ...shape, ...variants.conformal }), { seed: 3 });
  for (const { value } of model.parameters.values()) {
    if (value.shape.length > 1) backend.kernels.add({ a: value, b: value, scale: 30, y: value });
  }
});
afterEach(() => backend.close());

/** What the model finds most likely after each token. */
function firstChoices(tokens: Int32Array): Int32Array {
  return backend.scope(() => {
    const upload = backend.upload(tokens, [1, tokens.length]);
    const logits = backend.readSync!(model.forward(new Tape(backend, { record: false }), upload).value);
    return Int32Array.from(tokens, (_, t) => {
      const row = Float64Array.from(logits.subarray(t * V, (t + 1) * V));
      return row.indexOf(Math.max(...row));
    });
  });
}

/**
 * Two answers in each example, of one token and of two, made from the model's own choices: with `depth` 1 both are right, else
 * only the first; the last token of the other is not the model's choice.
 */
const task: Task = {
  name: 'own choices',
  vocabSize: V,
  example(context, random) {
    const depth = random.integer(2);
    const tokens = Int32Array.from({ length: context + 1 }, () => random.integer(V));
    tokens[3] = firstChoices(tokens)[2]!;
    tokens[8] = firstChoices(tokens)[7]!;
    tokens[9] = (firstChoices(tokens)[8]! + 1 - depth) % V;
    const answer = (at: number, length: number, distance: number) => {
      return { at, expected: tokens.subarray(at + 1, at + 1 + length), distance };
    };
    return { tokens, answers: [answer(2, 1, 2), answer(7, 2, 5 + depth)], conditions: { depth } };
  },
};

async function run(options?: RecallAccuracyOptions): Promise<RecallAccuracy> {
  const streams = taskStreams(task, { length: 12, count: 10, batch: 4, seed: 1 });
  const seen: number[] = [];
  for await (const event of recallAccuracy(model, streams, options)) {
    if (event.type === 'result') {
      expect(seen).toEqual([4, 8, 10]);
      return event.result;
    }
    seen.push(event.examples);
  }
  throw new Error('no result');
}

it('counts the answers of which every token is the model’s choice, by distance and by condition', async () => {
  const result = await run();
  const deep = result.byCondition.depth!.find(({ value }) => value === 1)!.answers / 2;
  expect(deep).toBeGreaterThan(1);
  expect(deep).toBeLessThan(9);
  expect(result).toMatchObject({ answers: 20, examples: 10, length: 12, accuracy: (10 + deep) / 20 });
  expect(result.byCondition.depth).toMatchObject([
    { value: 0, accuracy: 0.5, answers: 2 * (10 - deep), stderr: 0 },
    { value: 1, accuracy: 1, answers: 2 * deep, stderr: 0 },
  ]);
  expect(result.byDistance).toMatchObject([
    { from: 2, to: 4, accuracy: 1, answers: 10 },
    { from: 4, to: 8, accuracy: deep / 10, answers: 10 },
  ]);
  const share = deep / 10;
  expect(result.stderr).toBeCloseTo(Math.sqrt((10 / 9) * 10 * share * (1 - share)) / 20, 12);
  expect(result.nats).toBeGreaterThan(0);
  expect(result.stateBytes).toBeGreaterThan(0);
});

it('puts the values of a condition into ranges where there are many', async () => {
  const deeper: Task = {
    ...task,
    async example(context, random) {
      return { ...(await task.example(context, random)), conditions: { depth: random.integer(1000) } };
    },
  };
  for await (const event of recallAccuracy(model, taskStreams(deeper, { length: 12, count: 40, batch: 40 }))) {
    if (event.type === 'progress') continue;
    const rows = event.result.byCondition.depth!;
    expect(rows.length).toBeLessThanOrEqual(8);
    expect(rows.reduce((sum, { answers }) => sum + answers, 0)).toBe(80);
  }
});

it('does not depend on the pieces', async () => {
  const { seconds: _, tokensPerSecond: __, nats, ...whole } = await run();
  for (const piece of [1, 5, 8]) {
    const result = await run({ piece });
    expect(result).toMatchObject(whole);
    expect(result.nats).toBeCloseTo(nats, 6);
  }
});

it('refuses what cannot be, stops when asked, and gives its memory back', async () => {
  const before = backend.memory().liveBuffers;
  const streams = taskStreams(task, { length: 12, count: 2 });
  expect(() => recallAccuracy(model, streams, { piece: 0 })).toThrow(ConfigError);
  expect(() => recallAccuracy(model, { ...streams, count: 0 })).toThrow(DataError);
  await expect(run({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  const foreign = recallAccuracy(model, taskStreams(recall(), { length: 128, count: 1 }));
  await expect(foreign.next()).rejects.toThrow('vocabulary of 16');
  expect(backend.memory().liveBuffers).toBe(before);
});
