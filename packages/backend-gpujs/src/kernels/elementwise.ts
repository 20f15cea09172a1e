/** Arithmetic, activations and copies: one number out for one number in, any shape. */

import { ConfigError, fromHalves, isHalf, toHalves, type Kernels, type Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized, Thread } from '../program';
import { widest, type Storage } from '../storage';

type Elementwise = Pick<
  Kernels,
  | 'fill'
  | 'cast'
  | 'copyBlock'
  | 'add'
  | 'multiply'
  | 'broadcastRows'
  | 'sumRows'
  | 'gelu'
  | 'geluBackward'
  | 'swiglu'
  | 'swigluBackward'
  | 'logSigmoid'
  | 'logSigmoidBackward'
  | 'onePlusTanh'
  | 'onePlusTanhBackward'
  | 'resetGates'
>;

/** What a tensor holds of `values`. */
function rounded({ dtype }: Tensor, values: ArrayLike<number>): Float32Array {
  return isHalf(dtype) ? fromHalves(dtype, toHalves(dtype, values)) : Float32Array.from(values);
}

function constant(this: Thread<object>, value: number): number {
  return value;
}

function copy(this: Thread<object>, x: Floats): number {
  return x[this.thread.x]!;
}

/** Towards 0, and 0 for what is no number, as an Int32Array takes it. */
function truncate(this: Thread<object>, x: Floats): number {
  const value = x[this.thread.x]!;
  const whole = Math.floor(Math.abs(value));
  if (value > 0) return whole;
  if (value < 0) return -whole;
  return 0;
}

/** Grid [row, Y, B]. */
function block(this: Sized<'row' | 'X' | 'Y'>, x: Floats, y: Floats, from: number, to: number, count: number): number {
  const r = this.thread.y - to;
  if (r >= 0 && r < count) {
    return x[(this.thread.z * this.constants.X + r + from) * this.constants.row + this.thread.x]!;
  }
  return y[(this.thread.z * this.constants.Y + this.thread.y) * this.constants.row + this.thread.x]!;
}

function sum(this: Thread<object>, a: Floats, b: Floats, scale: number): number {
  return a[this.thread.x]! + scale * b[this.thread.x]!;
}

function product(this: Thread<object>, a: Floats, b: Floats): number {
  return a[this.thread.x]! * b[this.thread.x]!;
}

/** Grid [n]. */
function columnSum(this: Sized<'rows' | 'n'>, x: Floats, scale: number): number {
  let total = 0;
  for (let r = 0; r < this.constants.rows; r++) total += x[r * this.constants.n + this.thread.x]!;
  return scale * total;
}

/** x·σ(2√(2/π)(x + 0.044715x³)), which is GELU in its tanh form. */
function gelu(this: Thread<object>, x: Floats): number {
  const value = x[this.thread.x]!;
  const u = 1.5957691216057308 * (value + 0.044715 * value * value * value);
  const e = Math.exp(-Math.abs(u));
  return u >= 0 ? value / (1 + e) : (value * e) / (1 + e);
}

function geluBackward(this: Thread<object>, x: Floats, dy: Floats): number {
  const value = x[this.thread.x]!;
  const u = 1.5957691216057308 * (value + 0.044715 * value * value * value);
  const e = Math.exp(-Math.abs(u));
  const s = u >= 0 ? 1 / (1 + e) : e / (1 + e);
  const rest = u >= 0 ? e / (1 + e) : 1 / (1 + e);
  let slope = s;
  // Where the sigmoid has saturated, the product would be 0·∞ for huge x.
  if (e > 0) slope = s + value * s * rest * 1.5957691216057308 * (1 + 0.134145 * value * value);
  return dy[this.thread.x]! * slope;
}

function swiglu(this: Thread<object>, gate: Floats, up: Floats): number {
  const g = gate[this.thread.x]!;
  const e = Math.exp(-Math.abs(g));
  const s = g >= 0 ? 1 / (1 + e) : e / (1 + e);
  return g * s * up[this.thread.x]!;
}

function swigluGate(this: Thread<object>, gate: Floats, up: Floats, dy: Floats): number {
  const g = gate[this.thread.x]!;
  const e = Math.exp(-Math.abs(g));
  const s = g >= 0 ? 1 / (1 + e) : e / (1 + e);
  const rest = g >= 0 ? e / (1 + e) : 1 / (1 + e);
  return dy[this.thread.x]! * up[this.thread.x]! * s * (1 + g * rest);
}

/** min(x, 0) − log(1 + e), e = e^{−|x|}, by the series of the inverse hyperbolic tangent at e/(2 + e) ≤ ⅓. */
function logSigmoid(this: Thread<object>, x: Floats): number {
  const value = x[this.thread.x]!;
  const e = Math.exp(-Math.abs(value));
  const s = e / (2 + e);
  const q = s * s;
  let series = 1 / 15;
  series = series * q + 1 / 13;
  series = series * q + 1 / 11;
  series = series * q + 1 / 9;
  series = series * q + 1 / 7;
  series = series * q + 1 / 5;
  series = series * q + 1 / 3;
  series = series * q + 1;
  return Math.min(value, 0) - 2 * s * series;
}

function logSigmoidBackward(this: Thread<object>, x: Floats, dy: Floats): number {
  const value = x[this.thread.x]!;
  const e = Math.exp(-Math.abs(value));
  return (dy[this.thread.x]! * (value >= 0 ? e : 1)) / (1 + e);
}

/** 1 + tanh x = 2σ(2x) */
function onePlusTanh(this: Thread<object>, x: Floats): number {
  const value = x[this.thread.x]!;
  const e = Math.exp(-2 * Math.abs(value));
  return (value >= 0 ? 2 : 2 * e) / (1 + e);
}

function onePlusTanhBackward(this: Thread<object>, x: Floats, dy: Floats): number {
  const e = Math.exp(-2 * Math.abs(x[this.thread.x]!));
  return (dy[this.thread.x]! * 4 * e) / ((1 + e) * (1 + e));
}

/** Grid [width, tokens]. */
function reset(this: Sized<'width'>, x: Floats, flags: Floats, never: number): number {
  if (flags[this.thread.y]! !== 0) return never;
  return x[this.thread.y * this.constants.width + this.thread.x]!;
}

/** @throws ConfigError for integers that a float32 cannot hold, which is what this backend computes with */
function narrow(kernel: string, tensor: Tensor): void {
  const { wide } = tensor.handle as Storage;
  if (wide === undefined) return;
  throw new ConfigError({
    what: `${kernel}: an integer on the gpujs backend`,
    value: wide,
    expected: `${-widest} to ${widest}, which a float32 holds`,
    remedy: 'Use a backend with 32-bit integers.',
  });
}

export function elementwise(machine: Machine): Elementwise {
  return {
    fill: ({ value, y }) => {
      const number = y.dtype === 'int32' ? Math.trunc(value) : rounded(y, [value])[0]!;
      machine.write(y, constant, [y.size], {}, number);
    },
    cast: ({ x, y }) => {
      narrow('cast', x);
      if (isHalf(y.dtype) && y.dtype !== x.dtype) {
        // No mode promises how it rounds, so the host does.
        (y.handle as Storage).put(rounded(y, machine.read(x.handle as Storage)));
        return;
      }
      const whole = y.dtype === 'int32' && x.dtype !== 'int32';
      machine.write(y, whole ? truncate : copy, [y.size], {}, x);
    },
    copyBlock: ({ x, from = 0, to = 0, count, y }) => {
      narrow('copyBlock', x);
      narrow('copyBlock', y);
      const [B, X] = x.shape as [number, number];
      const Y = y.shape[1]!;
      const row = y.size / (B * Y || 1);
      machine.write(y, block, [row, Y, B], { row, X, Y }, x, y, from, to, count);
    },
    add: ({ a, b, scale = 1, y }) => machine.write(y, sum, [y.size], {}, a, b, scale),
    multiply: ({ a, b, y }) => machine.write(y, product, [y.size], {}, a, b),
    broadcastRows: ({ x, y }) => machine.write(y, copy, [x.size, y.size / (x.size || 1)], {}, x),
    sumRows: ({ x, scale = 1, y }) =>
      machine.write(y, columnSum, [y.size], { rows: x.size / (y.size || 1), n: y.size }, x, scale),
    gelu: ({ x, y }) => machine.write(y, gelu, [y.size], {}, x),
    geluBackward: ({ x, dy, dx }) => machine.write(dx, geluBackward, [dx.size], {}, x, dy),
    swiglu: ({ gate, up, y }) => machine.write(y, swiglu, [y.size], {}, gate, up),
    swigluBackward: ({ gate, up, dy, dgate, dup }) => {
      machine.write(dgate, swigluGate, [dgate.size], {}, gate, up, dy);
      machine.write(dup, swiglu, [dup.size], {}, gate, dy);
    },
    logSigmoid: ({ x, y }) => machine.write(y, logSigmoid, [y.size], {}, x),
    logSigmoidBackward: ({ x, dy, dx }) => machine.write(dx, logSigmoidBackward, [dx.size], {}, x, dy),
    onePlusTanh: ({ x, y }) => machine.write(y, onePlusTanh, [y.size], {}, x),
    onePlusTanhBackward: ({ x, dy, dx }) => machine.write(dx, onePlusTanhBackward, [dx.size], {}, x, dy),
    resetGates: ({ x, reset: flags, y }) => {
      const width = y.size / (flags.size || 1);
      machine.write(y, reset, [width, flags.size], { width }, x, flags, -Infinity);
    },
  };
}
