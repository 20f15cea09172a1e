/** Sums, products, activations and changes of shape. */

import type { DType, Shape, Tensor } from '@sympow/kernels';
import { call } from './call';
import type { Tape, Variable } from './tape';

/** a + scale·b, of one shape. */
export function add(tape: Tape, a: Variable, b: Variable, scale = 1): Variable {
  const y = tape.result(a.value.shape, [a, b], (out) => tape.kernels.add({ a: a.value, b: b.value, scale, y: out }));
  tape.record([y], () => {
    const dy = tape.gradientOrZero(y);
    tape.share(a, dy);
    if (scale === 1) return tape.share(b, dy);
    const db = tape.empty(b.value.shape);
    tape.kernels.add({ a: dy, b: dy, scale: scale - 1, y: db });
    tape.give(b, db);
  });
  return y;
}

/** a·b element by element, of one shape. */
export function multiply(tape: Tape, a: Variable, b: Variable): Variable {
  const y = tape.result(a.value.shape, [a, b], (out) => tape.kernels.multiply({ a: a.value, b: b.value, y: out }));
  tape.record([y], () => {
    const dy = tape.gradientOrZero(y);
    for (const [variable, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (!variable.requiresGradient) continue;
      const gradient = tape.empty(variable.value.shape);
      tape.kernels.multiply({ a: dy, b: other.value, y: gradient });
      tape.give(variable, gradient);
    }
  });
  return y;
}

/** The same numbers under another shape. */
export function reshape(tape: Tape, x: Variable, shape: Shape): Variable {
  const y: Variable = { value: tape.view(x.value, shape), requiresGradient: tape.follows([x]) };
  tape.record([y], () => tape.share(x, tape.gradientOrZero(y)));
  return y;
}

/** The same numbers, rounded to another element type; x itself where it has that. Gradients pass as they are, in the backend's own float. */
export function inType(tape: Tape, x: Variable, dtype: DType): Variable {
  if (x.value.dtype === dtype) return x;
  const y = tape.result(x.value.shape, [x], (out) => tape.kernels.cast({ x: x.value, y: out }), dtype);
  tape.record([y], () => tape.share(x, tape.gradientOrZero(y)));
  return y;
}

/** One row x [n] for every row of `shape` [rows…, n]. */
export function broadcastRows(tape: Tape, x: Variable, shape: Shape): Variable {
  const y = tape.result(shape, [x], (out) => tape.kernels.broadcastRows({ x: x.value, y: out }));
  tape.record([y], () => {
    const dx = tape.empty(x.value.shape);
    tape.kernels.sumRows({ x: tape.gradientOrZero(y), y: dx });
    tape.give(x, dx);
  });
  return y;
}

/** Rows [from, from + count) of axis 1 of x [B, T, …]. */
export function sliceRows(tape: Tape, x: Variable, from: number, count: number): Variable {
  const [B, , ...rest] = x.value.shape as [number, number, ...number[]];
  const y = tape.result([B, count, ...rest], [x], (out) => tape.kernels.copyBlock({ x: x.value, from, count, y: out }));
  tape.record([y], () => {
    const dx = tape.empty(x.value.shape);
    tape.kernels.fill({ value: 0, y: dx });
    tape.kernels.copyBlock({ x: tape.gradientOrZero(y), to: from, count, y: dx });
    tape.give(x, dx);
  });
  return y;
}

type Activation = 'gelu' | 'silu' | 'logSigmoid' | 'onePlusTanh';

function activation(tape: Tape, name: Activation, x: Variable): Variable {
  return call(tape, name, { x }, { y: x.value.shape }).y;
}

/** GELU in its tanh form. */
export const gelu = (tape: Tape, x: Variable): Variable => activation(tape, 'gelu', x);

/** log of the sigmoid: a gate's logarithm. */
export const logSigmoid = (tape: Tape, x: Variable): Variable => activation(tape, 'logSigmoid', x);

/** 1 + tanh(x): a phase increment β. */
export const onePlusTanh = (tape: Tape, x: Variable): Variable => activation(tape, 'onePlusTanh', x);

/** x/(1 + e^{−x}). */
export const silu = (tape: Tape, x: Variable): Variable => activation(tape, 'silu', x);

/** silu(gate)·up. */
export function swiglu(tape: Tape, gate: Variable, up: Variable): Variable {
  return call(tape, 'swiglu', { gate, up }, { y: up.value.shape }).y;
}

/** Rows of a table [V, n] by their number: ids [rows…] int32 → [rows…, n]. */
export function embedTokens(tape: Tape, ids: Tensor, weight: Variable): Variable {
  return call(tape, 'embed', { ids, weight }, { y: [...ids.shape, weight.value.shape[1] as number] }).y;
}
