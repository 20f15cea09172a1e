import type { Entry } from './entry';
import { each, eachSlope, unary, unaryBackward, type UnaryArgs, type UnaryBackwardArgs } from './unary';

/** y = 1 + tanh(x), the phase increment β. */
export const onePlusTanh: Entry<UnaryArgs> = {
  ...unary,
  wide: ['y'],
  roundings: 64,
};

/** The gradient of onePlusTanh. */
export const onePlusTanhBackward: Entry<UnaryBackwardArgs> = {
  ...unaryBackward,
  wide: ['dy'],
  roundings: 64,
};

/** What they mean; the `js` backend runs it. */
export const onePlusTanhJs = {
  onePlusTanh: (args: UnaryArgs) => each(args, (x) => 1 + Math.tanh(x)),
  onePlusTanhBackward(args: UnaryBackwardArgs): void {
    eachSlope(args, (x) => {
      const t = Math.tanh(x);
      return 1 - t * t;
    });
  },
};
