/** Kernels that are a function of one number, over tensors of any shape. */

import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';

/** One tensor in, one of its shape out. */
export interface UnaryArgs {
  x: Tensor;

  y: Tensor;
}

/** What a function of one tensor read, and the gradient of what it gave; out comes that of what it read. */
export interface UnaryBackwardArgs {
  x: Tensor;
  dy: Tensor;

  dx: Tensor;
}

export const unary = { reads: { x: '…' }, writes: { y: '…' } };
export const unaryBackward = { reads: { x: '…', dy: '…' }, writes: { dx: '…' } };

/** y = f(x) */
export function each({ x, y }: UnaryArgs, f: (x: number) => number): void {
  const input = floats(x);
  const out = floats(y);
  for (let i = 0; i < out.length; i++) out[i] = f(input[i]!);
}

/** dx = dy·f'(x) */
export function eachSlope({ x, dy, dx }: UnaryBackwardArgs, derivative: (x: number) => number): void {
  const input = floats(x);
  const gradient = floats(dy);
  const out = floats(dx);
  for (let i = 0; i < out.length; i++) out[i] = gradient[i]! * derivative(input[i]!);
}

/** 1/(1 + e^{−x}), from both sides of 0 without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}
