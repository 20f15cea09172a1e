/** Arithmetic, activations and copies: one number out for one number in, any shape. */

import { toHalves } from '@sympow/core';
import type { Kernels, Tensor, UnaryArgs, UnaryBackwardArgs } from '../api';
import { isHalf, putElements, readElements } from '../dtypes';
import { floats, lastAxis, numbers, stored } from './tensor';

export const fill: Kernels['fill'] = ({ value, y }) => {
  if (isHalf(y.dtype)) stored(y).fill(toHalves(y.dtype, [value])[0]!);
  else stored(y).fill(value);
};

export const cast: Kernels['cast'] = ({ x, y }) => {
  if (x.dtype === y.dtype) stored(y).set(stored(x));
  else putElements(y.dtype, stored(y), isHalf(x.dtype) ? readElements(x.dtype, stored(x)) : numbers(x));
};

export const copyBlock: Kernels['copyBlock'] = ({ x, from = 0, to = 0, count, y }) => {
  const source = stored(x);
  const target = stored(y);
  const [batch, rows] = x.shape as [number, number];
  const row = x.size / (batch * rows || 1);
  const stride = (y.shape[1] as number) * row;
  for (let b = 0; b < batch; b++) {
    const start = (b * rows + from) * row;
    target.set(source.subarray(start, start + count * row), b * stride + to * row);
  }
};

export const add: Kernels['add'] = ({ a, b, scale = 1, y }) => {
  const left = floats(a);
  const right = floats(b);
  const out = floats(y);
  for (let i = 0; i < out.length; i++) out[i] = left[i]! + scale * right[i]!;
};

export const multiply: Kernels['multiply'] = ({ a, b, y }) => {
  const left = floats(a);
  const right = floats(b);
  const out = floats(y);
  for (let i = 0; i < out.length; i++) out[i] = left[i]! * right[i]!;
};

export const broadcastRows: Kernels['broadcastRows'] = ({ x, y }) => {
  const row = numbers(x);
  const out = numbers(y);
  for (let at = 0; at < out.length; at += row.length) out.set(row, at);
};

export const sumRows: Kernels['sumRows'] = ({ x, scale = 1, y }) => {
  const input = floats(x);
  const out = floats(y);
  const n = lastAxis(x);
  const sums = new Float64Array(n);
  for (let at = 0; at < input.length; at += n) for (let c = 0; c < n; c++) sums[c] = sums[c]! + input[at + c]!;
  for (let c = 0; c < n; c++) out[c] = scale * sums[c]!;
};

export const resetGates: Kernels['resetGates'] = ({ x, reset, y }) => {
  const input = floats(x);
  const out = floats(y);
  const flags = numbers(reset);
  const width = input.length / (flags.length || 1);
  for (let i = 0; i < input.length; i++) out[i] = flags[Math.floor(i / width)] !== 0 ? -Infinity : input[i]!;
};

/** A kernel from a function of one number, and its backward from the derivative at x. */
function pointwise(f: (x: number) => number, derivative: (x: number) => number) {
  return {
    forward({ x, y }: UnaryArgs): void {
      const input = floats(x);
      const out = floats(y);
      for (let i = 0; i < out.length; i++) out[i] = f(input[i]!);
    },
    backward({ x, dy, dx }: UnaryBackwardArgs): void {
      const input = floats(x);
      const gradient = floats(dy);
      const out = floats(dx);
      for (let i = 0; i < out.length; i++) out[i] = gradient[i]! * derivative(input[i]!);
    },
  };
}

/** e^x from both sides of 0 without overflow. */
function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;
const geluTanh = (x: number) => Math.tanh(geluScale * (x + geluCubic * x * x * x));

const geluPair = pointwise(
  (x) => 0.5 * x * (1 + geluTanh(x)),
  (x) => {
    const t = geluTanh(x);
    // Where tanh has saturated, the product below would be 0·∞ for huge x.
    if (t === 1 || t === -1) return t === 1 ? 1 : 0;
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * geluScale * (1 + 3 * geluCubic * x * x);
  },
);
export const gelu = geluPair.forward;
export const geluBackward = geluPair.backward;

const logSigmoidPair = pointwise(
  (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  (x) => sigmoid(-x),
);
export const logSigmoid = logSigmoidPair.forward;
export const logSigmoidBackward = logSigmoidPair.backward;

const onePlusTanhPair = pointwise(
  (x) => 1 + Math.tanh(x),
  (x) => {
    const t = Math.tanh(x);
    return 1 - t * t;
  },
);
export const onePlusTanh = onePlusTanhPair.forward;
export const onePlusTanhBackward = onePlusTanhPair.backward;

export function swiglu({ gate, up, y }: { gate: Tensor; up: Tensor; y: Tensor }): void {
  const g = floats(gate);
  const u = floats(up);
  const out = floats(y);
  for (let i = 0; i < out.length; i++) out[i] = g[i]! * sigmoid(g[i]!) * u[i]!;
}

export const swigluBackward: Kernels['swigluBackward'] = ({ gate, up, dy, dgate, dup }) => {
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
};
