/** Whether a model predicts better in one part of its streams than in another: paired by stream, with Student's t. */

import type { StreamLoss } from './api';
import { meanOverStreams, shareOf } from './bins';

/** A difference of mean losses over streams. */
export interface Difference {
  readonly nats: number;
  /** Null for fewer than two streams. */
  readonly stderr: number | null;
  /** Half the width of the 95 % interval; null where there is no standard error. */
  readonly halfWidth: number | null;
  /** `none` where the interval holds 0; `unknown` where there is none, or the numbers are not finite. */
  readonly verdict: 'higher' | 'lower' | 'none' | 'unknown';
}

/**
 * How much higher the loss in bins `b` is than in bins `a`. Each stream is compared with itself, so that what makes one text
 * harder than another does not count.
 */
export function difference(streams: readonly StreamLoss[], a: readonly number[], b: readonly number[]): Difference {
  const pairs = streams.map((stream) => [shareOf(stream, a), shareOf(stream, b)] as const);
  const both = pairs.filter(([x, y]) => x.count > 0 && y.count > 0);
  const differences = both.map(([x, y]) => ({ nats: y.nats - x.nats, count: y.count }));
  const { nats, stderr } = meanOverStreams(differences);
  const halfWidth = stderr === null ? null : stderr * studentQuantile(both.length - 1);
  if (!Number.isFinite(nats) || halfWidth === null) return { nats, stderr, halfWidth, verdict: 'unknown' };
  if (Math.abs(nats) <= halfWidth) return { nats, stderr, halfWidth, verdict: 'none' };
  return { nats, stderr, halfWidth, verdict: nats > 0 ? 'higher' : 'lower' };
}

const smallSamples = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** 0.975 quantile of Student's t, within 0.003: a table, then the expansion about the normal one (Abramowitz–Stegun 26.7.5). */
export function studentQuantile(freedom: number): number {
  const z = 1.959964;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  return smallSamples[freedom - 1] ?? z + (z ** 3 + z) / 4 / freedom + second / freedom ** 2;
}
