import { floats, numbers } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

/** What `resetGates` reads, is told and writes; its entry has the formula. */
export interface ResetGatesArgs {
  /** [B, T, G] or [B, T, G, d] */
  x: Tensor;
  /** [B, T] int32 */
  reset: Tensor;

  y: Tensor;
}

/** y = −Infinity where reset is not 0, else x. */
export const resetGates: Entry<ResetGatesArgs> = {
  reads: { x: 'B T G [d]', reset: 'B T' },
  writes: { y: 'B T G [d]' },
  integers: ['reset'],
  wide: ['x', 'y'],
  roundings: 0,
};

/** What it means; the `js` backend runs it. */
export const resetGatesJs = {
  resetGates({ x, reset, y }: ResetGatesArgs): void {
    const input = floats(x);
    const out = floats(y);
    const flags = numbers(reset);
    const width = input.length / (flags.length || 1);
    for (let i = 0; i < input.length; i++) out[i] = flags[Math.floor(i / width)] !== 0 ? -Infinity : input[i]!;
  },
};
