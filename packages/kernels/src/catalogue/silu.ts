import type { Home } from '../tensor';
import type { Entry } from './entry';
import type { FillArgs } from './fill';
import type { SwigluArgs, SwigluBackwardArgs } from './swiglu';
import { each, eachSlope, sigmoid, unary, unaryBackward, type UnaryArgs, type UnaryBackwardArgs } from './unary';

/** The kernels that the bodies stand on. */
export interface SiluParts {
  fill(args: FillArgs): void;
  swiglu(args: SwigluArgs): void;
  swigluBackward(args: SwigluBackwardArgs): void;
}

const special = { x: [0, -0, 1e-30, 20, -20, 88, -88, 1e4, -1e4] };

/** y = x/(1 + e^{−x}). */
export const silu: Entry<UnaryArgs> = {
  ...unary,
  roundings: 128,
  samples: { special, floor: { y: 1e-30 } },
};

/** The gradient of silu. */
export const siluBackward: Entry<UnaryBackwardArgs> = {
  ...unaryBackward,
  roundings: 128,
  samples: { special, floor: { dx: 1e-30 } },
};

/** How they are made of others. */
export const siluBodies = {
  silu({ x, y }: UnaryArgs, home: Workplace): void {
    home.kernels.swiglu({ gate: x, up: ones(home, x.shape), y });
  },
  siluBackward({ x, dy, dx }: UnaryBackwardArgs, home: Workplace): void {
    const dup = home.empty(x.shape);
    home.kernels.swigluBackward({ gate: x, up: ones(home, x.shape), dy, dgate: dx, dup });
  },
};

type Workplace = Home & { readonly kernels: SiluParts };

function ones(home: Workplace, shape: readonly number[]) {
  const y = home.empty(shape);
  home.kernels.fill({ value: 1, y });
  return y;
}

/** What they mean; the `js` backend runs it. */
export const siluJs = {
  silu: (args: UnaryArgs) => each(args, (x) => x * sigmoid(x)),
  siluBackward(args: UnaryBackwardArgs): void {
    eachSlope(args, (x) => {
      const s = sigmoid(x);
      return s * (1 + x * (1 - s));
    });
  },
  bodies: siluBodies,
};
