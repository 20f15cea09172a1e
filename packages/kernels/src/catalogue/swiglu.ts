import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { sigmoid } from './unary';

export interface SwigluArgs {
  gate: Tensor;
  up: Tensor;

  y: Tensor;
}

export interface SwigluBackwardArgs {
  gate: Tensor;
  up: Tensor;
  dy: Tensor;

  dgate: Tensor;
  dup: Tensor;
}

export const swiglu: Entry<SwigluArgs> = {
  about: 'y = silu(gate)·up',
  reads: { gate: '…', up: '…' },
  writes: { y: '…' },
  roundings: 64,
  js({ gate, up, y }) {
    const g = floats(gate);
    const u = floats(up);
    const out = floats(y);
    for (let i = 0; i < out.length; i++) out[i] = g[i]! * sigmoid(g[i]!) * u[i]!;
  },
};

export const swigluBackward: Entry<SwigluBackwardArgs> = {
  about: 'the gradients of swiglu',
  reads: { gate: '…', up: '…', dy: '…' },
  writes: { dgate: '…', dup: '…' },
  roundings: 64,
  js({ gate, up, dy, dgate, dup }) {
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
