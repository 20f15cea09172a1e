import { isHalf, putElements, readElements } from '../dtypes';
import { numbers, stored } from '../js/tensor';
import type { Entry } from './entry';
import type { UnaryArgs } from './unary';

export const cast: Entry<UnaryArgs> = {
  about: "y = x in y's element type",
  reads: { x: '…' },
  writes: { y: '…' },
  anyType: ['x', 'y'],
  roundings: 0,
  js({ x, y }) {
    if (x.dtype === y.dtype) stored(y).set(stored(x));
    else putElements(y.dtype, stored(y), isHalf(x.dtype) ? readElements(x.dtype, stored(x)) : numbers(x));
  },
};
