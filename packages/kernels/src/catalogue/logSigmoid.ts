import type { Entry } from './entry';
import { each, eachSlope, sigmoid, unary, unaryBackward, type UnaryArgs, type UnaryBackwardArgs } from './unary';

export const logSigmoid: Entry<UnaryArgs> = {
  ...unary,
  about: 'y = −log(1 + e^{−x}), exact at both ends: log gates',
  wide: ['y'],
  roundings: 128,
  js: (args) => each(args, (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))),
};

export const logSigmoidBackward: Entry<UnaryBackwardArgs> = {
  ...unaryBackward,
  about: 'the gradient of logSigmoid',
  wide: ['dy'],
  roundings: 128,
  js: (args) => eachSlope(args, (x) => sigmoid(-x)),
};
