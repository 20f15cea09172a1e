import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { number } from './options';

/** What `add` reads, is told and writes; its entry has the formula. */
export interface AddArgs {
  a: Tensor;
  b: Tensor;
  /** Default 1. */
  scale?: number | undefined;

  /** May be a or b. */
  y: Tensor;
}

/** y = a + scale·b. */
export const add: Entry<AddArgs> = {
  reads: { a: '…', b: '…' },
  writes: { y: '…' },
  options: { 'scale?': number },
  roundings: 2,
};

/** What it means; the `js` backend runs it. */
export const addJs = {
  add({ a, b, scale = 1, y }: AddArgs): void {
    const left = floats(a);
    const right = floats(b);
    const out = floats(y);
    for (let i = 0; i < out.length; i++) out[i] = left[i]! + scale * right[i]!;
  },
};
