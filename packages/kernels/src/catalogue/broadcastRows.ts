import { numbers } from '../js/tensor';
import type { Entry } from './entry';
import type { UnaryArgs } from './unary';

/** y[r, :] = x for every row. */
export const broadcastRows: Entry<UnaryArgs> = {
  reads: { x: 'n' },
  writes: { y: '… n' },
  roundings: 0,
};

/** What it means; the `js` backend runs it. */
export const broadcastRowsJs = {
  broadcastRows({ x, y }: UnaryArgs): void {
    const row = numbers(x);
    const out = numbers(y);
    for (let at = 0; at < out.length; at += row.length) out.set(row, at);
  },
};
