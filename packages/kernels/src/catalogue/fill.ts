import { toHalves } from '@sympow/core';
import { isHalf } from '../dtypes';
import { stored } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { number } from './options';

/** What `fill` reads, is told and writes; its entry has the formula. */
export interface FillArgs {
  value: number;

  /** Any shape, any type. */
  y: Tensor;
}

/** y = value. */
export const fill: Entry<FillArgs> = {
  reads: {},
  writes: { y: '…' },
  anyType: ['y'],
  options: { value: number },
  roundings: 0,
};

/** What it means; the `js` backend runs it. */
export const fillJs = {
  fill({ value, y }: FillArgs): void {
    if (isHalf(y.dtype)) stored(y).fill(toHalves(y.dtype, [value])[0]!);
    else stored(y).fill(value);
  },
};
