import { isHalf, putElements, readElements } from '../dtypes';
import { numbers, stored } from '../js/tensor';
import type { Entry } from './entry';
import type { UnaryArgs } from './unary';

/** y = x in y's element type. */
export const cast: Entry<UnaryArgs> = {
  reads: { x: '…' },
  writes: { y: '…' },
  anyType: ['x', 'y'],
  roundings: 0,
};

/** What it means; the `js` backend runs it. */
export const castJs = {
  cast({ x, y }: UnaryArgs): void {
    if (x.dtype === y.dtype) stored(y).set(stored(x));
    else putElements(y.dtype, stored(y), isHalf(x.dtype) ? readElements(x.dtype, stored(x)) : numbers(x));
  },
};
