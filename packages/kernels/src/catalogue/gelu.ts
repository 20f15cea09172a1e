import type { Entry } from './entry';
import { each, eachSlope, unary, unaryBackward, type UnaryArgs, type UnaryBackwardArgs } from './unary';

/** GELU in its tanh form. */
export const gelu: Entry<UnaryArgs> = {
  ...unary,
  roundings: 64,
};

/** The gradient of gelu. */
export const geluBackward: Entry<UnaryBackwardArgs> = {
  ...unaryBackward,
  roundings: 64,
};

/** What they mean; the `js` backend runs it. */
export const geluJs = {
  gelu: (args: UnaryArgs) => each(args, (x) => 0.5 * x * (1 + geluTanh(x))),
  geluBackward: (args: UnaryBackwardArgs) => eachSlope(args, slope),
};

const scale = 0.7978845608028654; // √(2/π)
const cubic = 0.044715;
const geluTanh = (x: number) => Math.tanh(scale * (x + cubic * x * x * x));

function slope(x: number): number {
  const t = geluTanh(x);
  // Where tanh has saturated, the product below would be 0·∞ for huge x.
  if (t === 1 || t === -1) return t === 1 ? 1 : 0;
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * scale * (1 + 3 * cubic * x * x);
}
