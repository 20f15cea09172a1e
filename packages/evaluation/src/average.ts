/** Several evaluations of the same streams as one: models that were trained from several seeds. */

import type { AverageLoss, LossByPosition } from './api';
import { bestBin, binLosses, meanOverStreams, shareOf } from './bins';
import { requireSameStreams } from './difference';
import { ConfigError } from '@sympow/kernels';

/**
 * The mean over runs, stream by stream, so that standard errors and paired differences are those of the mean; the spread over runs
 * stands beside it. Of memory and time, the mean as well.
 *
 * @throws ConfigError for no runs, or runs that read other streams or have other bins
 * @example
 * ```ts
 * const { bins, spread } = averageLosses([first, second, third]);
 * ```
 */
export function averageLosses(runs: readonly LossByPosition[]): AverageLoss {
  const [first] = runs;
  const edges = runs.map(({ bins }) => bins.map(({ to }) => to).join(' '));
  if (!first || edges.some((each) => each !== edges[0])) {
    throw new ConfigError({
      what: 'bins of the runs',
      value: edges,
      expected: 'one run or more, all with the same bins',
    });
  }
  requireSameStreams(runs);
  const streams = first.streams.map((stream, row) => ({
    ...stream,
    nats: stream.nats.map((_, bin) => mean(runs.map((run) => run.streams[row]!.nats[bin]!))),
  }));
  const bins = binLosses([0, ...first.bins.map(({ to }) => to)], streams);
  const all = bins.map((_, bin) => bin);
  const { nats, stderr } = meanOverStreams(streams.map((stream) => shareOf(stream, all)));
  return {
    ...first,
    ...{ runs: runs.length, bins, streams, nats, stderr, best: bestBin(bins) },
    bitsPerByte: first.bitsPerByte === null ? null : mean(runs.map(({ bitsPerByte }) => bitsPerByte!)),
    seconds: mean(runs.map(({ seconds }) => seconds)),
    tokensPerSecond: mean(runs.map(({ tokensPerSecond }) => tokensPerSecond)),
    pace: first.pace.map((pace, i) => ({
      ...pace,
      tokensPerSecond: mean(runs.map((run) => run.pace[i]?.tokensPerSecond ?? NaN)),
    })),
    spread: bins.map((_, bin) => deviation(runs.map((run) => run.bins[bin]!.nats))),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation of a sample; null for one value. */
export function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}
