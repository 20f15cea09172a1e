import { stored } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { atLeast0 } from './options';
import { refuse } from './refuse';

/** What `copyBlock` reads, is told and writes; its entry has the formula. */
export interface CopyBlockArgs {
  /** [B, X, …rest] */
  x: Tensor;
  /** First row of x that is read; default 0. */
  from?: number | undefined;
  /** First row of y that is written; default 0. */
  to?: number | undefined;
  count: number;

  /** [B, Y, …rest]; rows outside [to, to + count) keep their contents. */
  y: Tensor;
}

/** Rows [from, from + count) of axis 1 of x into axis 1 of y, at to; the others keep their contents. */
export const copyBlock: Entry<CopyBlockArgs> = {
  reads: { x: 'B X …' },
  writes: { y: 'B Y …' },
  anyType: ['x', 'y'],
  options: { 'from?': atLeast0, 'to?': atLeast0, count: atLeast0 },
  roundings: 0,
  rule({ x, y, from = 0, to = 0, count }, { X, Y }) {
    if (y.dtype !== x.dtype) refuse('copyBlock: dtype of y', y.dtype, `${x.dtype} as of x`);
    const [read, written] = [from + count, to + count];
    if (read > X) refuse('copyBlock: from + count', read, `at most the ${X} rows of x`);
    if (written > Y) refuse('copyBlock: to + count', written, `at most the ${Y} rows of y`);
  },
};

/** What it means; the `js` backend runs it. */
export const copyBlockJs = {
  copyBlock({ x, from = 0, to = 0, count, y }: CopyBlockArgs): void {
    const source = stored(x);
    const target = stored(y);
    const [batch, rows] = x.shape as [number, number];
    const row = x.size / (batch * rows || 1);
    const stride = (y.shape[1] as number) * row;
    for (let b = 0; b < batch; b++) {
      const start = (b * rows + from) * row;
      target.set(source.subarray(start, start + count * row), b * stride + to * row);
    }
  },
};
