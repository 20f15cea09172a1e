/** Layer norm and RMS norm. */

import type { NormArgs, NormBackwardArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized } from '../program';

/** Grid [rows]: the mean as seen from the first number of the row, which loses nothing far from 0. */
function rowMean(this: Sized<'n'>, x: Floats): number {
  const first = x[this.thread.x * this.constants.n]!;
  let sum = 0;
  for (let i = 0; i < this.constants.n; i++) sum += x[this.thread.x * this.constants.n + i]! - first;
  return sum / this.constants.n;
}

/** Grid [rows]: 1/√(variance + eps). Squares of numbers from 10^19 on are beyond the range of a float, and come scaled. */
function rowScale(this: Sized<'n' | 'centred'>, x: Floats, mean: Floats, eps: number): number {
  let square = 0;
  let scaled = 0;
  let first = 0;
  let centre = 0;
  if (this.constants.centred > 0) {
    first = x[this.thread.x * this.constants.n]!;
    centre = mean[this.thread.x]!;
  }
  for (let i = 0; i < this.constants.n; i++) {
    const d = x[this.thread.x * this.constants.n + i]! - first - centre;
    square += d * d;
    scaled += d * 5.421010862427522e-20 * (d * 5.421010862427522e-20);
  }
  if (scaled > 0.25) return 5.421010862427522e-20 / Math.sqrt(scaled / this.constants.n);
  return 1 / Math.sqrt(square / this.constants.n + eps);
}

/** Grid [n, rows], as the next three. */
function normed(
  this: Sized<'n' | 'centred' | 'weighted' | 'biased'>,
  x: Floats,
  mean: Floats,
  scale: Floats,
  weight: Floats,
  bias: Floats,
): number {
  let value = x[this.thread.y * this.constants.n + this.thread.x]!;
  if (this.constants.centred > 0) {
    value -= x[this.thread.y * this.constants.n]!;
    value -= mean[this.thread.y]!;
  }
  value *= scale[this.thread.y]!;
  if (this.constants.weighted > 0) value *= weight[this.thread.x]!;
  if (this.constants.biased > 0) value += bias[this.thread.x]!;
  return value;
}

/** (x − mean)·scale, weighted by dy where `weighted` (then it is what dweight sums up). */
function hat(this: Sized<'n' | 'centred' | 'weighted'>, x: Floats, mean: Floats, scale: Floats, dy: Floats): number {
  let value = x[this.thread.y * this.constants.n + this.thread.x]!;
  if (this.constants.centred > 0) {
    value -= x[this.thread.y * this.constants.n]!;
    value -= mean[this.thread.y]!;
  }
  value *= scale[this.thread.y]!;
  if (this.constants.weighted > 0) value *= dy[this.thread.y * this.constants.n + this.thread.x]!;
  return value;
}

/** Grid [rows]: the mean over a row of dy·weight, times the normed x where `along`. */
function rowGradient(this: Sized<'n' | 'weighted' | 'along'>, dy: Floats, weight: Floats, normedX: Floats): number {
  let sum = 0;
  for (let i = 0; i < this.constants.n; i++) {
    let g = dy[this.thread.x * this.constants.n + i]!;
    if (this.constants.weighted > 0) g *= weight[i]!;
    if (this.constants.along > 0) g *= normedX[this.thread.x * this.constants.n + i]!;
    sum += g;
  }
  return sum / this.constants.n;
}

function normGradient(
  this: Sized<'n' | 'centred' | 'weighted'>,
  dy: Floats,
  weight: Floats,
  normedX: Floats,
  scale: Floats,
  offset: Floats,
  along: Floats,
): number {
  let g = dy[this.thread.y * this.constants.n + this.thread.x]!;
  if (this.constants.weighted > 0) g *= weight[this.thread.x]!;
  if (this.constants.centred > 0) g -= offset[this.thread.y]!;
  g -= normedX[this.thread.y * this.constants.n + this.thread.x]! * along[this.thread.y]!;
  return scale[this.thread.y]! * g;
}

/** Grid [n, rows]: x, weighted where `weighted`, less its row's mean, such that two numbers differ in their sign alone. */
function centredShort(this: Sized<'n' | 'weighted'>, x: Floats, weight: Floats): number {
  let sum = 0;
  for (let m = 0; m < this.constants.n; m++) {
    let own = x[this.thread.y * this.constants.n + this.thread.x]!;
    let other = x[this.thread.y * this.constants.n + m]!;
    if (this.constants.weighted > 0) {
      own *= weight[this.thread.x]!;
      other *= weight[m]!;
    }
    sum += own - other;
  }
  return sum / this.constants.n;
}

/**
 * Grid [n, rows]: the gradient of layer norm in a short row, from centred x and dy. In a row of two all but eps cancels; here
 * it does so term by term.
 */
function shortGradient(this: Sized<'n'>, x: Floats, dy: Floats, eps: number): number {
  const row = this.thread.y * this.constants.n;
  let square = eps * this.constants.n;
  let rest = eps * this.constants.n * dy[row + this.thread.x]!;
  for (let j = 0; j < this.constants.n; j++) {
    square += x[row + j]! * x[row + j]!;
    rest += x[row + j]! * (dy[row + this.thread.x]! * x[row + j]! - x[row + this.thread.x]! * dy[row + j]!);
  }
  return rest / square / Math.sqrt(square / this.constants.n);
}

function columnSum(this: Sized<'rows' | 'n'>, x: Floats): number {
  let total = 0;
  for (let r = 0; r < this.constants.rows; r++) total += x[r * this.constants.n + this.thread.x]!;
  return total;
}

/** Rows up to this length lose too much in float32 where a gradient cancels. */
const shortest = 4;

/** Layer norm where `centred`, else RMS norm. */
export function norm(machine: Machine, { x, weight, bias, eps, y }: NormArgs, centred: 0 | 1): void {
  const n = x.shape.at(-1)!;
  const rows = x.size / (n || 1);
  const { none } = machine;
  const mean = centred ? machine.temporary(rowMean, [rows], { n }, x) : none;
  const scale = machine.temporary(rowScale, [rows], { n, centred }, x, mean, eps);
  const switches = { n, centred, weighted: weight ? 1 : 0, biased: bias ? 1 : 0 };
  machine.write(y, normed, [n, rows], switches, x, mean, scale, weight ?? none, bias ?? none);
}

/** Its backward. */
export function normBackward(
  machine: Machine,
  { x, weight, dy, eps, dx, dweight, dbias }: NormBackwardArgs,
  centred: 0 | 1,
): void {
  const n = x.shape.at(-1)!;
  const rows = x.size / (n || 1);
  const { none } = machine;
  const weighted = weight ? 1 : 0;
  const w = weight ?? none;
  const mean = centred ? machine.temporary(rowMean, [rows], { n }, x) : none;
  const scale = machine.temporary(rowScale, [rows], { n, centred }, x, mean, eps);
  if (centred && n <= shortest) {
    const c = machine.temporary(centredShort, [n, rows], { n, weighted: 0 }, x, none);
    const g = machine.temporary(centredShort, [n, rows], { n, weighted }, dy, w);
    machine.write(dx, shortGradient, [n, rows], { n }, c, g, eps);
  } else {
    const normedX = machine.temporary(hat, [n, rows], { n, centred, weighted: 0 }, x, mean, scale, none);
    const offset = centred ? machine.temporary(rowGradient, [rows], { n, weighted, along: 0 }, dy, w, none) : none;
    const along = machine.temporary(rowGradient, [rows], { n, weighted, along: 1 }, dy, w, normedX);
    machine.write(dx, normGradient, [n, rows], { n, centred, weighted }, dy, w, normedX, scale, offset, along);
  }
  if (dweight) {
    const each = machine.temporary(hat, [n, rows], { n, centred, weighted: 1 }, x, mean, scale, dy);
    machine.write(dweight, columnSum, [n], { rows, n }, each);
  }
  if (dbias) machine.write(dbias, columnSum, [n], { rows, n }, dy);
}
