import type { Entry } from './entry';
import { each, eachSlope, unary, unaryBackward, type UnaryArgs, type UnaryBackwardArgs } from './unary';

export const onePlusTanh: Entry<UnaryArgs> = {
  ...unary,
  about: 'y = 1 + tanh(x), the phase increment β',
  wide: ['y'],
  roundings: 64,
  js: (args) => each(args, (x) => 1 + Math.tanh(x)),
};

export const onePlusTanhBackward: Entry<UnaryBackwardArgs> = {
  ...unaryBackward,
  about: 'the gradient of onePlusTanh',
  wide: ['dy'],
  roundings: 64,
  js(args) {
    eachSlope(args, (x) => {
      const t = Math.tanh(x);
      return 1 - t * t;
    });
  },
};
