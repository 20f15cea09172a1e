import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

/** What `squaredNorm` reads, is told and writes; its entry has the formula. */
export interface SquaredNormArgs {
  xs: readonly Tensor[];

  /** [1] */
  y: Tensor;
}

/** y = Σ over all tensors of Σ x². */
export const squaredNorm: Entry<SquaredNormArgs> = {
  reads: {},
  writes: { y: '1' },
  lists: ['xs'],
  wide: ['y'],
  roundings: 64,
};

/** What it means; the `js` backend runs it. */
export const squaredNormJs = {
  squaredNorm: norm,
};

function norm({ xs, y }: SquaredNormArgs): void {
  let sum = 0;
  for (const x of xs) {
    const data = floats(x);
    for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!;
  }
  floats(y)[0] = sum;
}
