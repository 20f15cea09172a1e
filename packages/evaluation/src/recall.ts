/** Recall: whether a model finds what it was told, by how far back that was and by what else the task varies. */

import { requireWhole } from '@sympow/kernels';
import { gatherNumbers, oneProcess, rounds, together } from '@sympow/core';
import type { TaskAnswer, TaskStreams } from '@sympow/data';
import { DataError } from '@sympow/data';
import { kindsOfLayers, modelSize, type Model } from '@sympow/model';
import type { Accuracy, RecallAccuracy, RecallAccuracyOptions, RecallEvent } from './api';
import { meanOverStreams } from './bins';
import { defaultPiece } from './streamLosses';
import { fromNumbers, readTargets, toNumbers, type TargetScore } from './streamTargets';

/**
 * Reads the examples of a task and counts the answers that are right: an event after each group of examples, and the result as
 * the last one. Memory does not depend on the length of an example, except for softmax attention and the example itself. Several
 * processes share out the groups; process 0 alone tells of progress.
 *
 * @throws ConfigError for options out of range
 * @throws DataError for no examples at all, or tokens that the model does not have
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * const streams = taskStreams(recall({ pairs: [4, 16] }), { length: 1024, count: 64, batch: 8 });
 * for await (const event of recallAccuracy(model, streams)) {
 *   if (event.type === 'result') console.log(event.result.byDistance, event.result.byCondition.pairs);
 * }
 * ```
 */
export function recallAccuracy(
  model: Model,
  streams: TaskStreams,
  options: RecallAccuracyOptions = {},
): AsyncGenerator<RecallEvent, void, undefined> {
  if (options.piece !== undefined) requireWhole('piece', options.piece, 1);
  if (streams.count === 0) throw new DataError({ what: 'the number of examples', value: 0, expected: 'at least one' });
  const events = evaluate(model, streams, options);
  return together(options.communicator ?? oneProcess, events, ({ type }) => type === 'result');
}

/** An answer that was given. */
interface Given {
  readonly example: number;
  readonly distance: number;
  readonly conditions: Readonly<Record<string, number>>;
  readonly right: boolean;
}

async function* evaluate(
  model: Model,
  streams: TaskStreams,
  { piece, communicator = oneProcess, signal }: RecallAccuracyOptions,
): AsyncGenerator<RecallEvent, void, undefined> {
  signal?.throwIfAborted();
  const given: Given[] = [];
  const total = { examples: 0, tokens: 0, nats: 0, targets: 0, streamBytes: 0, seconds: 0 };
  const { rank } = communicator;
  let start = performance.now();
  for await (const round of rounds(streams, communicator)) {
    const own: number[] = [];
    for (const group of round.slice(rank, rank + 1)) {
      const size = piece ?? defaultPiece(group.batch, model.config.vocabSize);
      for await (const part of readTargets(model, group, size, signal)) {
        own.push(...part.scores.flatMap(toNumbers));
        total.streamBytes = Math.max(total.streamBytes, part.memoryBytes / group.batch);
      }
    }
    const all = await gatherNumbers(communicator, own);
    for (const [other, group] of round.entries()) {
      const scores = fromNumbers(all[other]!);
      for (const [row, { answers, conditions }] of group.examples.entries()) {
        const found = new Map(scores.filter((score) => score.row === row).map((score) => [score.position, score]));
        for (const answer of answers) {
          given.push({
            example: total.examples + row,
            distance: answer.distance,
            conditions,
            right: isRight(answer, found),
          });
        }
      }
      for (const { logProbability } of scores) total.nats -= logProbability;
      total.targets += scores.length;
      total.examples += group.batch;
      total.tokens += group.batch * group.length;
    }
    total.seconds += (performance.now() - start) / 1000;
    yield {
      type: 'progress',
      examples: total.examples,
      totalExamples: streams.count,
      accuracy: accuracyOf(given).accuracy,
      tokensPerSecond: total.tokens / total.seconds,
    };
    start = performance.now();
  }
  // Times are those of process 0.
  const [streamBytes = 0, seconds = 0] = (await gatherNumbers(communicator, [total.streamBytes, total.seconds]))[0]!;
  const grows = kindsOfLayers(model.config).some((kind) => kind.grows);
  const { cacheBytes } = modelSize(model.config, { batch: 1, context: streams.length });
  const result: RecallAccuracy = {
    ...accuracyOf(given),
    examples: total.examples,
    length: streams.length,
    nats: total.nats / total.targets,
    byDistance: byDistance(given),
    byCondition: byCondition(given),
    stateBytes: grows ? 0 : streamBytes,
    cacheBytes: grows ? streamBytes : cacheBytes,
    seconds,
    tokensPerSecond: total.tokens / seconds,
  };
  yield { type: 'result', result };
}

function isRight({ at, expected }: TaskAnswer, scores: ReadonlyMap<number, TargetScore>): boolean {
  for (let i = 0; i < expected.length; i++) if (!scores.get(at + i)?.greedy) return false;
  return true;
}

/** The standard error is over examples, as the answers of one are not independent. */
function accuracyOf(given: readonly Given[]): Accuracy {
  const shares = given.map(({ example, right }) => ({ document: example, nats: right ? 1 : 0, count: 1 }));
  const { nats: accuracy, stderr, count: answers } = meanOverStreams(shares);
  return { accuracy, stderr, answers };
}

function byDistance(given: readonly Given[]): RecallAccuracy['byDistance'] {
  const octaves = groupBy(given, ({ distance }) => 2 ** Math.floor(Math.log2(distance)));
  return octaves.map(([from, answers]) => ({ from, to: 2 * from, ...accuracyOf(answers) }));
}

const mostValues = 16;
const ranges = 8;

function byCondition(given: readonly Given[]): RecallAccuracy['byCondition'] {
  const names = Object.keys(given[0]?.conditions ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const values = given.map(({ conditions }) => conditions[name]!);
      const groups = groupBy(
        given,
        rounding(values, ({ conditions }) => conditions[name]!),
      );
      return [name, groups.map(([value, answers]) => ({ value, ...accuracyOf(answers) }))];
    }),
  );
}

/** Values as they are where there are few, else the middle of the range that each is in. */
function rounding(values: readonly number[], valueOf: (answer: Given) => number): (answer: Given) => number {
  if (new Set(values).size <= mostValues) return valueOf;
  const low = values.reduce((a, b) => Math.min(a, b));
  const width = (values.reduce((a, b) => Math.max(a, b)) - low) / ranges;
  return (answer) => low + width * (Math.min(ranges - 1, Math.floor((valueOf(answer) - low) / width)) + 0.5);
}

/** In the order of the keys. */
function groupBy(given: readonly Given[], keyOf: (answer: Given) => number): [number, Given[]][] {
  const groups = new Map<number, Given[]>();
  for (const answer of given) {
    const key = keyOf(answer);
    const group = groups.get(key);
    if (group) group.push(answer);
    else groups.set(key, [answer]);
  }
  return [...groups].sort(([a], [b]) => a - b);
}
