/** Losses by position as a line of a chart. */

import type { Evaluation } from './api';
import type { ChartSeries } from './chartApi';

/** One point per bin, at the mean position of its tokens, with its standard error. */
export function lossSeries({ name, loss }: Pick<Evaluation, 'name' | 'loss'>): ChartSeries {
  return { name, points: loss.bins.map(({ from, to, nats, stderr }) => ({ x: (from + to) / 2, y: nats, stderr })) };
}
