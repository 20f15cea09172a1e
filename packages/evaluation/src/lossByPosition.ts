/**
 * Loss by position: reads long streams through a model's memory and averages its losses by how much it has read.
 *
 * Only two pieces of the streams are ever held, so with power attention memory does not depend on the length; with softmax
 * attention the cache grows with it.
 */

import { gatherNumbers, oneProcess, rounds, together } from '@sympow/core';
import { DataError, type EvaluationStreams, type StreamGroup } from '@sympow/data';
import { ConfigError, requireKnownKeys, requireWhole, type KnownKeys } from '@sympow/kernels';
import { kindsOfLayers, modelSize, type Model } from '@sympow/model';
import type { LossByPosition, LossByPositionOptions, LossEvent, Pace, StreamLoss } from './api';
import { bestBin, binEdges, binLosses, meanOverStreams, shareOf, StreamSums } from './bins';
import { PaceSums } from './pace';
import { defaultPiece, readGroup } from './streamLosses';

const known: KnownKeys<LossByPositionOptions> = {
  ...{ piece: true, first: true, edges: true, bytesPerToken: true, communicator: true, signal: true },
};

/**
 * Evaluates a model on streams: an event after each piece, and the result as the last one.
 *
 * Several processes share out the groups of streams; all have the same result, which is that of one process to the last bit but for the
 * times, as every group is read whole by one of them. Process 0 alone tells of progress.
 *
 * @throws ConfigError for options out of range
 * @throws DataError for no streams at all, streams longer than announced, or tokens that the model does not have
 * @throws the signal's reason when aborted
 *
 * @example
 * ```ts
 * const streams = evaluationStreams(heldOut, { length: 65536, batch: 4 });
 * for await (const event of lossByPosition(model, streams, { edges: [trainingContext] })) {
 *   if (event.type === 'progress') console.log(event.position, event.nats, event.memoryBytes);
 *   else console.log(event.result.bins);
 * }
 * ```
 */
export function lossByPosition(
  model: Model,
  streams: EvaluationStreams,
  options: LossByPositionOptions = {},
): AsyncGenerator<LossEvent, void, undefined> {
  requireKnownKeys('lossByPosition', options, known);
  const { piece, bytesPerToken } = options;
  if (piece !== undefined) requireWhole('piece', piece, 1);
  if (bytesPerToken !== undefined && !(bytesPerToken > 0 && bytesPerToken < Infinity)) {
    throw new ConfigError({ what: 'bytesPerToken', value: bytesPerToken, expected: 'a number above 0' });
  }
  if (streams.count === 0) {
    throw new DataError({ what: 'the number of streams', value: 0, expected: 'at least one' });
  }
  const edges = binEdges(streams.length, options);
  const events = evaluate(model, streams, options, edges);
  return together(options.communicator ?? oneProcess, events, ({ type }) => type === 'result');
}

async function* evaluate(
  model: Model,
  streams: EvaluationStreams,
  { piece, bytesPerToken, communicator = oneProcess, signal }: LossByPositionOptions,
  edges: readonly number[],
): AsyncGenerator<LossEvent, void, undefined> {
  signal?.throwIfAborted();
  const finished: StreamLoss[] = [];
  const total = { tokens: 0, nats: 0, streamBytes: 0, seconds: 0 };
  const pace = new PaceSums(streams.length);
  const { rank } = communicator;

  async function* readStreams(group: StreamGroup): AsyncGenerator<LossEvent, StreamLoss[], undefined> {
    requireAnnounced(group, streams);
    const { batch, length, spans } = group;
    const sums = spans.map(() => new StreamSums(edges));
    const size = piece ?? defaultPiece(batch, model.config.vocabSize);
    let start = performance.now();
    for await (const read of readGroup(model, group, size, signal)) {
      const { context, position, targets, losses, memoryBytes, seconds } = read;
      for (const [row, sum] of sums.entries()) {
        const [from, to] = [row * context, (row + 1) * context];
        sum.add(position, losses.subarray(from, to), targets.subarray(from, to));
      }
      for (const [i, nats] of losses.entries()) {
        if (targets[i]! < 0) continue;
        total.nats += nats;
        total.tokens++;
      }
      total.streamBytes = Math.max(total.streamBytes, memoryBytes / batch);
      total.seconds += (performance.now() - start) / 1000;
      pace.add({ position, context, batch, seconds, memoryBytes });
      yield {
        type: 'progress',
        position: position + context,
        length,
        streams: finished.length + (position + context === length ? batch : 0),
        totalStreams: streams.count,
        tokens: total.tokens,
        nats: total.nats / total.tokens,
        tokensPerSecond: total.tokens / total.seconds,
        memoryBytes,
      };
      // The time of whoever reads the events is not the model's.
      start = performance.now();
    }
    return spans.map(({ document, from }, row) => ({ document, from, ...sums[row]!.means() }));
  }

  for await (const round of rounds(streams, communicator)) {
    const group = round[rank];
    const own = group ? yield* readStreams(group) : [];
    const all = await gatherNumbers(communicator, own.flatMap(toNumbers));
    for (const [other, numbers] of all.entries()) {
      const found = fromNumbers(numbers, edges.length - 1);
      finished.push(...found);
      if (other === rank) continue;
      const { nats, count } = meanOverStreams(found.map((stream) => shareOf(stream, [...stream.counts.keys()])));
      total.tokens += count;
      total.nats += count > 0 ? nats * count : 0;
    }
  }
  const rows = pace.rows();
  const own = [
    total.streamBytes,
    total.seconds,
    ...rows.flatMap((row) => [row.to, row.tokensPerSecond, row.memoryBytes]),
  ];
  // Times are those of process 0.
  const [streamBytes = 0, seconds = 0, ...numbers] = (await gatherNumbers(communicator, own))[0]!;
  const paces = numbers.flatMap((to, i): Pace[] =>
    i % 3 === 0 ? [{ to, tokensPerSecond: numbers[i + 1]!, memoryBytes: numbers[i + 2]! }] : [],
  );
  const result = summarize(model, streams.length, edges, finished, { streamBytes, seconds }, bytesPerToken);
  yield { type: 'result', result: { ...result, pace: paces } };
}

/** A stream as numbers that processes exchange: the document, where it begins, then its means and its counts. */
function toNumbers({ document, from, nats, counts }: StreamLoss): number[] {
  return [document, from, ...nats, ...counts];
}

/** Streams of so many bins from their {@link toNumbers}. */
function fromNumbers(numbers: Float64Array, bins: number): StreamLoss[] {
  const width = 2 + 2 * bins;
  return Array.from({ length: numbers.length / width }, (_, i) => {
    const [document, from, ...both] = numbers.subarray(i * width, (i + 1) * width);
    return { document: document!, from: from!, nats: both.slice(0, bins), counts: both.slice(bins) };
  });
}

function requireAnnounced(group: StreamGroup, streams: EvaluationStreams): void {
  if (group.length <= streams.length) return;
  throw new DataError({
    what: 'length of a stream',
    value: group.length,
    expected: `at most ${streams.length}, as said`,
  });
}

function summarize(
  model: Model,
  length: number,
  edges: readonly number[],
  streams: readonly StreamLoss[],
  { streamBytes, seconds }: { streamBytes: number; seconds: number },
  bytesPerToken: number | undefined,
): Omit<LossByPosition, 'pace'> {
  const bins = binLosses(edges, streams);
  const all = bins.map((_, bin) => bin);
  const { nats, stderr, count } = meanOverStreams(streams.map((stream) => shareOf(stream, all)));
  const grows = kindsOfLayers(model.config).some((kind) => kind.grows);
  return {
    length,
    bins,
    streams,
    documents: new Set(streams.map(({ document }) => document)).size,
    tokens: count,
    nats,
    stderr,
    best: bestBin(bins),
    bitsPerByte: bytesPerToken === undefined ? null : nats / Math.LN2 / bytesPerToken,
    stateBytes: grows ? 0 : streamBytes,
    cacheBytes: grows ? streamBytes : modelSize(model.config, { batch: 1, context: length }).cacheBytes,
    seconds,
    tokensPerSecond: count / seconds,
  };
}
