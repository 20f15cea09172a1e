import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

export interface MultiplyArgs {
  a: Tensor;
  b: Tensor;

  /** May be a or b. */
  y: Tensor;
}

export const multiply: Entry<MultiplyArgs> = {
  about: 'y = a·b, number by number',
  reads: { a: '…', b: '…' },
  writes: { y: '…' },
  roundings: 2,
  js({ a, b, y }) {
    const left = floats(a);
    const right = floats(b);
    const out = floats(y);
    for (let i = 0; i < out.length; i++) out[i] = left[i]! * right[i]!;
  },
};
