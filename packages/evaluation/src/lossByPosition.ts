/**
 * Loss by position: reads long streams through a model's memory and averages its losses by how much it has read.
 *
 * Only two pieces of the streams are ever held, so with power attention memory does not depend on the length; with softmax
 * attention the cache grows with it.
 */

import { DataError, type EvaluationStreams, type StreamGroup } from '@sympow/data';
import { ConfigError, requireKnownKeys, type KnownKeys } from '@sympow/kernels';
import { kindsOfLayers, modelSize, type Model } from '@sympow/model';
import type { LossByPosition, LossByPositionOptions, LossEvent, StreamLoss } from './api';
import { bestBin, binEdges, binLosses, meanOverStreams, shareOf, StreamSums } from './bins';
import { requireWhole } from './options';
import { PaceSums } from './pace';
import { defaultPiece, readGroup } from './streamLosses';

const known: KnownKeys<LossByPositionOptions> = {
  ...{ piece: true, first: true, edges: true, bytesPerToken: true, signal: true },
};

/**
 * Evaluates a model on streams: an event after each piece, and the result as the last one.
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
  return evaluate(model, streams, options, binEdges(streams.length, options));
}

async function* evaluate(
  model: Model,
  streams: EvaluationStreams,
  { piece, bytesPerToken, signal }: LossByPositionOptions,
  edges: readonly number[],
): AsyncGenerator<LossEvent, void, undefined> {
  signal?.throwIfAborted();
  const finished: StreamLoss[] = [];
  const total = { tokens: 0, nats: 0, streamBytes: 0, seconds: 0 };
  const pace = new PaceSums(streams.length);
  let start = performance.now();
  for await (const group of streams) {
    requireAnnounced(group, streams);
    const { batch, length, spans } = group;
    const sums = spans.map(() => new StreamSums(edges));
    const size = piece ?? defaultPiece(batch, model.config.vocabSize);
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
    for (const [row, { document, from }] of spans.entries()) finished.push({ document, from, ...sums[row]!.means() });
  }
  const result = summarize(model, streams.length, edges, finished, total, bytesPerToken);
  yield { type: 'result', result: { ...result, pace: pace.rows() } };
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
