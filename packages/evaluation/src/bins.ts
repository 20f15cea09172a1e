/** Exponentially spaced bins of positions, and what streams say about each: means and their standard errors. */

import { requireWhole } from '@sympow/kernels';
import type { LossBin, LossByPositionOptions, StreamLoss } from './api';

/**
 * 0, first, 2·first, 4·first … and the length, with the edges asked for in place of doubling edges that are close to them.
 *
 * @throws ConfigError if `first` or an edge is not a whole number of at least 1
 */
export function binEdges(
  length: number,
  { first = 64, edges = [] }: Pick<LossByPositionOptions, 'first' | 'edges'>,
): number[] {
  requireWhole('first', first, 1);
  for (const edge of edges) requireWhole('an edge of the bins', edge, 1);
  const given = [...new Set([...edges.filter((edge) => edge < length), length])];
  const isClose = (edge: number) => given.some((other) => Math.max(edge / other, other / edge) < Math.SQRT2);
  const all = new Set([0, ...given]);
  for (let edge = first; edge < length; edge *= 2) {
    if (!isClose(edge)) all.add(edge);
  }
  return [...all].sort((a, b) => a - b);
}

/** Adds up the losses of one stream, bin by bin. */
export class StreamSums {
  private readonly sums: Float64Array;
  private readonly counts: number[];

  constructor(private readonly edges: readonly number[]) {
    this.sums = new Float64Array(edges.length - 1);
    this.counts = Array.from(this.sums, () => 0);
  }

  /** The losses at `position` and after, in order; those with a negative target are left out. */
  add(position: number, losses: ArrayLike<number>, targets: ArrayLike<number>): void {
    let bin = this.edges.findIndex((edge) => edge > position) - 1;
    for (let i = 0; i < losses.length; i++) {
      if (position + i >= this.edges[bin + 1]!) bin++;
      if (targets[i]! < 0) continue;
      this.sums[bin]! += losses[i]!;
      this.counts[bin]!++;
    }
  }

  /** Means and counts so far. */
  means(): Pick<StreamLoss, 'nats' | 'counts'> {
    return { nats: this.counts.map((count, bin) => this.sums[bin]! / count), counts: [...this.counts] };
  }
}

/** A mean over streams. */
export interface Mean {
  readonly nats: number;
  readonly stderr: number | null;
  readonly count: number;
  /** Independent observations that the standard error is over: documents, or streams where there is one document. */
  readonly units: number;
}

/** A share of a stream: its mean and how many tokens that is over. */
export interface Share extends Pick<Mean, 'nats' | 'count'> {
  readonly document: number;
}

/**
 * The mean over all tokens m = Σ c_i m_i / Σ c_i. Streams of one document are not independent of each other, so the standard
 * error is over the n documents: √(n/(n−1) Σ_documents (Σ_i c_i (m_i − m))²) / Σ c_i; with one stream of equal length each, the
 * deviation of their means over √n. Where all come from one document, every stream counts as one.
 */
export function meanOverStreams(streams: readonly Share[]): Mean {
  const shares = streams.filter(({ count }) => count > 0);
  const count = shares.reduce((sum, share) => sum + share.count, 0);
  const nats = shares.reduce((sum, share) => sum + share.nats * share.count, 0) / count;
  const apart = new Set(shares.map(({ document }) => document)).size > 1;
  const sums = new Map<number, number>();
  for (const [i, share] of shares.entries()) {
    const unit = apart ? share.document : i;
    sums.set(unit, (sums.get(unit) ?? 0) + share.count * (share.nats - nats));
  }
  const n = sums.size;
  const squares = [...sums.values()].reduce((total, sum) => total + sum ** 2, 0);
  const stderr = n > 1 ? Math.sqrt((n / (n - 1)) * squares) / count : NaN;
  return { nats, stderr: Number.isFinite(stderr) ? stderr : null, count, units: n };
}

/** What a stream says about some bins together. */
export function shareOf({ document, nats, counts }: StreamLoss, bins: readonly number[]): Share {
  const filled = bins.filter((bin) => counts[bin]! > 0);
  const count = filled.reduce((sum, bin) => sum + counts[bin]!, 0);
  return { document, nats: filled.reduce((sum, bin) => sum + nats[bin]! * counts[bin]!, 0) / count, count };
}

/** One row per bin. */
export function binLosses(edges: readonly number[], streams: readonly StreamLoss[]): LossBin[] {
  return edges.slice(1).map((to, bin) => {
    const { nats, stderr, count } = meanOverStreams(streams.map((stream) => shareOf(stream, [bin])));
    return { from: edges[bin]!, to, nats, stderr, count };
  });
}

/** The bin with the lowest finite mean. */
export function bestBin(bins: readonly LossBin[]): LossBin | null {
  const finite = bins.filter(({ nats }) => Number.isFinite(nats));
  return finite.reduce<LossBin | null>((best, bin) => (best && best.nats <= bin.nats ? best : bin), null);
}
