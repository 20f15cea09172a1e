import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

/** What `multiply` reads, is told and writes; its entry has the formula. */
export interface MultiplyArgs {
  a: Tensor;
  b: Tensor;

  /** May be a or b. */
  y: Tensor;
}

/** y = a·b, number by number. */
export const multiply: Entry<MultiplyArgs> = {
  reads: { a: '…', b: '…' },
  writes: { y: '…' },
  roundings: 2,
};

/** What it means; the `js` backend runs it. */
export const multiplyJs = {
  multiply({ a, b, y }: MultiplyArgs): void {
    const left = floats(a);
    const right = floats(b);
    const out = floats(y);
    for (let i = 0; i < out.length; i++) out[i] = left[i]! * right[i]!;
  },
};
