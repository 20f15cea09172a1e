import type { Entry } from './entry';
import { each, eachSlope, sigmoid, unary, unaryBackward, type UnaryArgs, type UnaryBackwardArgs } from './unary';

/** y = −log(1 + e^{−x}), exact at both ends: log gates. */
export const logSigmoid: Entry<UnaryArgs> = {
  ...unary,
  wide: ['y'],
  roundings: 128,
};

/** The gradient of logSigmoid. */
export const logSigmoidBackward: Entry<UnaryBackwardArgs> = {
  ...unaryBackward,
  wide: ['dy'],
  roundings: 128,
};

/** What they mean; the `js` backend runs it. */
export const logSigmoidJs = {
  logSigmoid: (args: UnaryArgs) => each(args, (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))),
  logSigmoidBackward: (args: UnaryBackwardArgs) => eachSlope(args, (x) => sigmoid(-x)),
};
