/** Results of evaluations that never took place, for tests only. */

import type { LossByPosition, StreamLoss } from './api';
import { bestBin, binLosses, meanOverStreams, shareOf } from './bins';

/** A result made from the means of each stream in each bin; every stream is a document of its own. */
export function lossOfStreams(
  edges: readonly number[],
  means: readonly (readonly number[])[],
  more: Partial<LossByPosition> = {},
): LossByPosition {
  const counts = edges.slice(1).map((to, bin) => to - edges[bin]!);
  const streams: StreamLoss[] = means.map((nats, document) => ({ document, from: 0, nats, counts }));
  const bins = binLosses(edges, streams);
  const all = meanOverStreams(streams.map((stream) => shareOf(stream, [...counts.keys()])));
  return {
    length: edges.at(-1)!,
    bins,
    streams,
    documents: streams.length,
    tokens: all.count,
    nats: all.nats,
    stderr: all.stderr,
    best: bestBin(bins),
    bitsPerByte: null,
    stateBytes: 540_672,
    cacheBytes: 3 * 2 ** 20,
    seconds: 2,
    tokensPerSecond: all.count / 2,
    pace: [{ to: edges.at(-1)!, tokensPerSecond: all.count / 2, memoryBytes: 540_672 }],
    ...more,
  };
}
