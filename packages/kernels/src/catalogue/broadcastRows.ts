import { numbers } from '../js/tensor';
import type { Entry } from './entry';
import type { UnaryArgs } from './unary';

export const broadcastRows: Entry<UnaryArgs> = {
  about: 'y[r, :] = x for every row',
  reads: { x: 'n' },
  writes: { y: '… n' },
  roundings: 0,
  js({ x, y }) {
    const row = numbers(x);
    const out = numbers(y);
    for (let at = 0; at < out.length; at += row.length) out.set(row, at);
  },
};
