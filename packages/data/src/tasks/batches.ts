// Examples of a task as training batches and as evaluation streams.
import { ConfigError, ContentHash, Random, requireWhole } from '@sympow/core';
import type { Batch, Span, StreamPiece, TrainingBatches } from '../api';
import { resumeAt } from '../cursor';
import { requireBatch } from '../options';
import type { Task, TaskBatchesOptions, TaskExample, TaskGroup, TaskStreams, TaskStreamsOptions } from './api';

/** Examples by which a task with its options is known again. */
const SAMPLES = 16;

/**
 * Endless training batches of a task. Row i of a run is a function of (task, context, seed, i) alone, and is never an
 * example of {@link taskStreams}.
 *
 * @throws ConfigError if an option is out of range
 * @throws OutOfMemoryError, which names the bytes, if a batch takes more than 2 GiB
 * @throws DataError if the cursor belongs to something else
 *
 * @example
 * ```ts
 * const batches = taskBatches(recall(), { batch: 8, context: 128, seed: 1 });
 * const { inputs, targets } = await batches.next(); // [8, 128] each; targets are −1 outside of answers
 * // As data of a training run: train({ data: (options) => taskBatches(recall(), options), … })
 * ```
 */
export function taskBatches(
  task: Task,
  { batch, context, cursor, seed = cursor?.seed ?? 0, targets = 'answers' }: TaskBatchesOptions,
): TrainingBatches {
  requireBatch(batch, context);
  requireWhole('seed', seed, 0);
  if (targets !== 'answers' && targets !== 'all') {
    throw new ConfigError({ what: 'targets', value: targets, expected: '"answers" or "all"' });
  }
  const here = { version: 1, seed, context, documents: 0, tokens: 0, task: task.name } as const;
  let row = cursor === undefined ? 0 : resumeAt(cursor, here);
  return {
    packed: false,
    async next() {
      const first = row;
      row += batch;
      const examples = await makeExamples(task, context, seed, 'train', first, batch);
      return { ...toBatch(examples, context, 0, context, targets === 'all'), spans: spansOf(first, batch, context) };
    },
    cursor: () => ({ ...here, row }),
    async fingerprint() {
      const hash = new ContentHash();
      for (const example of await makeExamples(task, context, seed, 'train', 0, SAMPLES)) {
        const drawn = toBatch([example], context, 0, context, targets === 'all');
        hash.update(drawn.inputs).update(drawn.targets);
      }
      return hash.digest();
    },
  };
}

/**
 * Examples of a task for evaluation: the same ones whenever they are read, and whatever the batch.
 *
 * @throws ConfigError if an option is out of range
 *
 * @example
 * ```ts
 * for await (const group of taskStreams(recall({ pairs: 8 }), { length: 4096, count: 64, batch: 8 })) {
 *   for await (const { inputs, targets, position } of group.pieces(512)) {
 *     // [8, 512] each; group.examples says what is asked where
 *   }
 * }
 * ```
 */
export function taskStreams(task: Task, { length, count, batch = 1, seed = 0 }: TaskStreamsOptions): TaskStreams {
  for (const [what, value] of Object.entries({ length, count, batch })) requireWhole(what, value, 1);
  requireBatch(Math.min(batch, count), length);
  requireWhole('seed', seed, 0);
  return {
    count,
    length,
    async *[Symbol.asyncIterator]() {
      for (let first = 0; first < count; first += batch) {
        const rows = Math.min(batch, count - first);
        const examples = await makeExamples(task, length, seed, 'evaluate', first, rows);
        yield group(examples, length, spansOf(first, rows, length));
      }
    },
  };
}

/** Each example has a stream of random numbers of its own, whose name tells training and evaluation apart. */
function makeExamples(
  task: Task,
  context: number,
  seed: number,
  purpose: 'train' | 'evaluate',
  first: number,
  count: number,
): Promise<TaskExample[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) =>
      task.example(context, new Random(seed, `task/${task.name}/${purpose}/${first + i}`)),
    ),
  );
}

function spansOf(first: number, rows: number, length: number): Span[] {
  return Array.from({ length: rows }, (_, row) => ({ row, at: 0, document: first + row, from: 0, length }));
}

function group(examples: readonly TaskExample[], length: number, spans: readonly Span[]): TaskGroup {
  async function* pieces(size: number): AsyncGenerator<StreamPiece> {
    for (let position = 0; position < length; position += size) {
      const context = Math.min(size, length - position);
      const piece = spans.map((span) => ({ ...span, from: position, length: context }));
      yield { ...toBatch(examples, length, position, context, false), spans: piece, position };
    }
  }
  return {
    batch: examples.length,
    length,
    spans,
    examples,
    pieces(size) {
      requireWhole('size of a piece', size, 1);
      return pieces(size);
    },
  };
}

/** Predictions from … from + context − 1 of every example. */
function toBatch(
  examples: readonly TaskExample[],
  length: number,
  from: number,
  context: number,
  all: boolean,
): Omit<Batch, 'spans'> {
  const batch = examples.length;
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context).fill(-1);
  for (const [row, { tokens, answers }] of examples.entries()) {
    const begin = row * context;
    inputs.set(tokens.subarray(from, from + context), begin);
    if (all) targets.set(tokens.subarray(from + 1, from + 1 + context), begin);
    for (const { at, expected } of answers) {
      const low = Math.max(at, from);
      const high = Math.min(at + expected.length, from + context, length);
      for (let t = low; t < high; t++) targets[begin + t - from] = expected[t - at]!;
    }
  }
  return { batch, context, inputs, targets };
}
