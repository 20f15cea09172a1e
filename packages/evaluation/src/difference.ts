/**
 * Whether a model predicts better in one part of its streams than in another, or better than another model: paired by stream,
 * with Student's t.
 */

import { ConfigError } from '@sympow/kernels';
import type { BinDifference, Difference, LossByPosition, StreamLoss } from './api';
import { meanOverStreams, shareOf, type Share } from './bins';

/**
 * How much higher the loss in bins `b` is than in bins `a`. Each stream is compared with itself, so that what makes one text
 * harder than another does not count.
 */
export function difference(streams: readonly StreamLoss[], a: readonly number[], b: readonly number[]): Difference {
  return pairedDifference(streams.map((stream) => [shareOf(stream, a), shareOf(stream, b)]));
}

/** How much higher the second share of each pair is, over the pairs that have both. */
function pairedDifference(pairs: readonly (readonly [Share, Share])[]): Difference {
  const both = pairs.filter(([x, y]) => x.count > 0 && y.count > 0);
  const differences = both.map(([x, y]) => ({ ...y, nats: y.nats - x.nats }));
  const { nats, stderr, units } = meanOverStreams(differences);
  const halfWidth = stderr === null ? null : stderr * studentQuantile(units - 1);
  if (!Number.isFinite(nats) || halfWidth === null) return { nats, stderr, halfWidth, verdict: 'unknown' };
  if (Math.abs(nats) <= halfWidth) return { nats, stderr, halfWidth, verdict: 'none' };
  return { nats, stderr, halfWidth, verdict: nats > 0 ? 'higher' : 'lower' };
}

/**
 * How much higher the losses of `b` are than those of `a`, bin by bin, where both read the same streams. Each stream is compared
 * with itself: differences far smaller than the standard errors of the losses themselves can be told apart. Bins that only one of
 * the two has are left out.
 *
 * @throws ConfigError if the streams are others
 * @example
 * ```ts
 * for (const { from, to, nats, halfWidth } of lossDifferences(gated, conformal)) console.log(from, to, nats, '±', halfWidth);
 * ```
 */
export function lossDifferences(a: LossByPosition, b: LossByPosition): BinDifference[] {
  requireSameStreams([a, b]);
  return a.bins.flatMap(({ from, to }, i) => {
    const j = b.bins.findIndex((bin) => bin.from === from && bin.to === to);
    if (j < 0) return [];
    const pairs = a.streams.map((stream, row) => [shareOf(stream, [i]), shareOf(b.streams[row]!, [j])] as const);
    return [{ from, to, ...pairedDifference(pairs) }];
  });
}

/** @throws ConfigError unless all read the same places of the same length */
export function requireSameStreams(losses: readonly LossByPosition[]): void {
  const places = losses.map(({ streams, length }) =>
    [length, ...streams.map(({ document, from }) => `${document}:${from}`)].join(' '),
  );
  if (places.every((place) => place === places[0])) return;
  throw new ConfigError({
    what: 'the streams',
    value: losses.map(({ streams, length }) => `${streams.length} × ${length}`).join(', '),
    message: 'the evaluations did not read the same streams',
    expected: 'the same documents, positions and lengths',
    remedy: 'Evaluate all models on the same data with the same length and number of streams.',
  });
}

const smallSamples = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** 0.975 quantile of Student's t, within 0.003: a table, then the expansion about the normal one (Abramowitz–Stegun 26.7.5). */
export function studentQuantile(freedom: number): number {
  const z = 1.959964;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  return smallSamples[freedom - 1] ?? z + (z ** 3 + z) / 4 / freedom + second / freedom ** 2;
}
