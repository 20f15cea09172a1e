import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { sigmoid } from './unary';

/** What `swiglu` reads, is told and writes; its entry has the formula. */
export interface SwigluArgs {
  gate: Tensor;
  up: Tensor;

  y: Tensor;
}

/** What `swigluBackward` reads, is told and writes; its entry has the formula. */
export interface SwigluBackwardArgs {
  gate: Tensor;
  up: Tensor;
  dy: Tensor;

  dgate: Tensor;
  dup: Tensor;
}

/** y = silu(gate)·up. */
export const swiglu: Entry<SwigluArgs> = {
  reads: { gate: '…', up: '…' },
  writes: { y: '…' },
  roundings: 64,
};

/** The gradients of swiglu. */
export const swigluBackward: Entry<SwigluBackwardArgs> = {
  reads: { gate: '…', up: '…', dy: '…' },
  writes: { dgate: '…', dup: '…' },
  roundings: 64,
};

/** What they mean; the `js` backend runs it. */
export const swigluJs = {
  swiglu({ gate, up, y }: SwigluArgs): void {
    const g = floats(gate);
    const u = floats(up);
    const out = floats(y);
    for (let i = 0; i < out.length; i++) out[i] = g[i]! * sigmoid(g[i]!) * u[i]!;
  },
  swigluBackward({ gate, up, dy, dgate, dup }: SwigluBackwardArgs): void {
    const g = floats(gate);
    const u = floats(up);
    const gradient = floats(dy);
    const outGate = floats(dgate);
    const outUp = floats(dup);
    for (let i = 0; i < gradient.length; i++) {
      const s = sigmoid(g[i]!);
      outUp[i] = gradient[i]! * g[i]! * s;
      outGate[i] = gradient[i]! * u[i]! * s * (1 + g[i]! * (1 - s));
    }
  },
};
