import { floats, lastAxis } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { number } from './options';

/** What `sumRows` reads, is told and writes; its entry has the formula. */
export interface SumRowsArgs {
  /** [rows…, n] */
  x: Tensor;
  /** Default 1. */
  scale?: number | undefined;

  /** [n] */
  y: Tensor;
}

/** y[c] = scale·Σ_r x[r, c]. */
export const sumRows: Entry<SumRowsArgs> = {
  reads: { x: '… n' },
  writes: { y: 'n' },
  options: { 'scale?': number },
  roundings: 64,
};

/** What it means; the `js` backend runs it. */
export const sumRowsJs = {
  sumRows({ x, scale = 1, y }: SumRowsArgs): void {
    const input = floats(x);
    const out = floats(y);
    const n = lastAxis(x);
    const sums = new Float64Array(n);
    for (let at = 0; at < input.length; at += n) for (let c = 0; c < n; c++) sums[c] = sums[c]! + input[at + c]!;
    for (let c = 0; c < n; c++) out[c] = scale * sums[c]!;
  },
};
