/** Several evaluations of the same text as one: models that were trained from several seeds. */

import type { Accuracy, AverageLoss, LossByPosition, RecallAccuracy } from './api';
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

/**
 * The mean over runs that were asked the same examples. The standard errors are those of one run, as the root of their mean square;
 * those of the mean are no larger. Memory is that of the first, speed is left out.
 *
 * @throws ConfigError for no runs
 * @example
 * ```ts
 * const { accuracy, byDistance } = averageRecall([first, second]);
 * ```
 */
export function averageRecall(
  runs: readonly Omit<RecallAccuracy, 'seconds' | 'tokensPerSecond'>[],
): Omit<RecallAccuracy, 'seconds' | 'tokensPerSecond'> {
  const [first] = runs;
  if (!first) throw new ConfigError({ what: 'runs', value: 0, expected: 'one or more' });
  const over = (of: (run: (typeof runs)[number]) => Accuracy) => averageAccuracy(runs.map(of));
  return {
    ...first,
    ...over((run) => run),
    nats: mean(runs.map(({ nats }) => nats)),
    byDistance: first.byDistance.map((row, i) => ({ ...row, ...over(({ byDistance }) => byDistance[i]!) })),
    byCondition: Object.fromEntries(
      Object.entries(first.byCondition).map(([name, rows]) => [
        name,
        rows.map((row, i) => ({ ...row, ...over(({ byCondition }) => byCondition[name]![i]!) })),
      ]),
    ),
  };
}

function averageAccuracy(rows: readonly Accuracy[]): Accuracy {
  const known = rows.every(({ stderr }) => stderr !== null);
  return {
    accuracy: mean(rows.map(({ accuracy }) => accuracy)),
    stderr: known ? Math.sqrt(mean(rows.map(({ stderr }) => stderr! ** 2))) : null,
    answers: rows[0]!.answers,
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
