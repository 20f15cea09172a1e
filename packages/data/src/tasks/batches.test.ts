import { Random } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import type { Cursor } from '../api';
import { DataError } from '../errors';
import { openTask, taskNames } from '.';
import { taskBatches, taskStreams } from './batches';
import { recall } from './recall';

describe.each(taskNames)('%s', (name) => {
  const task = openTask(name);
  const context = 512;

  it('is a function of the seed alone', async () => {
    const [a, b, c] = await Promise.all([1, 1, 2].map(async (seed) => task.example(context, new Random(seed, 'test'))));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  it('says what follows its questions, at any length, inside its vocabulary', async () => {
    for (const length of [context, 1000, 4097]) {
      const { tokens, answers } = await task.example(length, new Random(length, 'test'));
      expect(tokens).toHaveLength(length + 1);
      expect(tokens.every((id) => id >= 0 && id < task.vocabSize)).toBe(true);
      expect(answers.length).toBeGreaterThan(0);
      expect(answers.map(({ at }) => at)).toEqual(answers.map(({ at }) => at).sort((a, b) => a - b));
      for (const { at, expected, distance } of answers) {
        expect(tokens.slice(at + 1, at + 1 + expected.length)).toEqual(expected.slice());
        expect(tokens[at + 1 - distance]).toBe(expected[0]);
        expect(distance).toBeGreaterThan(0);
      }
    }
  });

  it('has targets on its answers alone, however it is cut', async () => {
    for await (const group of taskStreams(task, { length: context, count: 3, batch: 2 })) {
      const targets = group.examples.map(() => new Int32Array(context));
      const inputs = group.examples.map(() => new Int32Array(context));
      for await (const piece of group.pieces(100)) {
        for (const row of group.examples.keys()) {
          const part = [row * piece.context, (row + 1) * piece.context] as const;
          targets[row]!.set(piece.targets.subarray(...part), piece.position);
          inputs[row]!.set(piece.inputs.subarray(...part), piece.position);
        }
      }
      for (const [row, { tokens, answers }] of group.examples.entries()) {
        expect(inputs[row]).toEqual(tokens.slice(0, -1));
        const expected = new Int32Array(context).fill(-1);
        for (const answer of answers) expected.set(answer.expected, answer.at);
        expect(targets[row]).toEqual(expected);
      }
    }
  });

  it('goes on from a cursor, with any batch size', async () => {
    const whole = taskBatches(task, { batch: 4, context, seed: 3 });
    const rows: Int32Array[] = [];
    for (const { inputs } of [await whole.next(), await whole.next()]) {
      for (let row = 0; row < 4; row++) rows.push(inputs.slice(row * context, (row + 1) * context));
    }
    const first = taskBatches(task, { batch: 1, context, seed: 3 });
    expect((await first.next()).inputs).toEqual(rows[0]);
    const cursor = JSON.parse(JSON.stringify(first.cursor())) as Cursor;
    const rest = await taskBatches(task, { batch: 7, context, cursor }).next();
    expect(rest.inputs.slice(0, context)).toEqual(rows[1]);
    expect(rest.inputs.slice(-context)).toEqual(rows[7]);
  });
});

describe('batches of a task', () => {
  it('never show an example of an evaluation', async () => {
    const task = recall({ pairs: 8 });
    const seen = new Set<string>();
    for (const seed of [0, 1]) {
      const batches = taskBatches(task, { batch: 32, context: 32, seed });
      const { inputs } = await batches.next();
      for (let row = 0; row < 32; row++) seen.add(inputs.subarray(row * 32, (row + 1) * 32).join());
    }
    expect(seen.size).toBe(64);
    for (const seed of [0, 1]) {
      for await (const { examples } of taskStreams(task, { length: 32, count: 32, seed })) {
        expect(seen.has(examples[0]!.tokens.subarray(0, 32).join())).toBe(false);
      }
    }
  });

  it('may have targets everywhere', async () => {
    const { inputs, targets } = await taskBatches(recall(), { batch: 2, context: 128, targets: 'all' }).next();
    expect(targets.subarray(0, 127)).toEqual(inputs.subarray(1, 128));
    expect(targets.every((id) => id >= 0)).toBe(true);
  });

  it('refuse the cursor of something else', () => {
    const cursor = taskBatches(recall(), { batch: 2, context: 128 }).cursor();
    const other = (change: Partial<Cursor>) => () =>
      taskBatches(recall(), { batch: 2, context: 128, cursor: { ...cursor, ...change } });
    expect(other({})).not.toThrow();
    expect(other({ task: 'copy' })).toThrow(/^task of the cursor is "copy"; expected recall\. Resume with/);
    expect(other({ tokens: 5 })).toThrow(DataError);
    expect(other({ row: -1 })).toThrow(DataError);
  });

  it('know their options', () => {
    expect(() => openTask('sorting')).toThrow(/task is "sorting"; expected one of recall/);
    expect(() => openTask('constructor')).toThrow(/expected one of/);
    expect(() => taskStreams(recall(), { length: 100, count: 0 })).toThrow('count is 0');
    expect(() => taskBatches(recall(), { batch: 1, context: 0 })).toThrow('context is 0');
    expect(() => taskBatches(recall(), { batch: 1, context: 64, targets: 'most' as 'all' })).toThrow(
      'targets is "most"',
    );
  });
});
