/** Matrix products, norms, token lookup and cross-entropy. */

import type { Kernels, NormArgs, NormBackwardArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized } from '../program';

type Dense = Pick<
  Kernels,
  | 'matmul'
  | 'layerNorm'
  | 'layerNormBackward'
  | 'rmsNorm'
  | 'rmsNormBackward'
  | 'embed'
  | 'embedBackward'
  | 'crossEntropy'
  | 'crossEntropyBackward'
>;

type Product = Sized<
  'k' | 'n' | 'm' | 'batchA' | 'rowA' | 'columnA' | 'batchB' | 'rowB' | 'columnB' | 'accumulate' | 'biased'
>;

/** Grid [n, m, batch]. */
function matmul(this: Product, a: Floats, b: Floats, bias: Floats, y: Floats): number {
  let sum = 0;
  for (let p = 0; p < this.constants.k; p++) {
    sum +=
      a[this.thread.z * this.constants.batchA + this.thread.y * this.constants.rowA + p * this.constants.columnA]! *
      b[this.thread.z * this.constants.batchB + p * this.constants.rowB + this.thread.x * this.constants.columnB]!;
  }
  if (this.constants.accumulate > 0) {
    sum += y[(this.thread.z * this.constants.m + this.thread.y) * this.constants.n + this.thread.x]!;
  }
  if (this.constants.biased > 0) sum += bias[this.thread.x]!;
  return sum;
}

/** Grid [n, m/4, batch]: four rows at once, which read b once. */
function fourRows(this: Product, a: Floats, b: Floats): number[] {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let p = 0; p < this.constants.k; p++) {
    const at =
      this.thread.z * this.constants.batchA + this.thread.y * 4 * this.constants.rowA + p * this.constants.columnA;
    const x =
      b[this.thread.z * this.constants.batchB + p * this.constants.rowB + this.thread.x * this.constants.columnB]!;
    sum0 += a[at]! * x;
    sum1 += a[at + this.constants.rowA]! * x;
    sum2 += a[at + 2 * this.constants.rowA]! * x;
    sum3 += a[at + 3 * this.constants.rowA]! * x;
  }
  return [sum0, sum1, sum2, sum3];
}

/** Grid [n, m, batch]: the rows of {@link fourRows}. */
function fromFour(this: Product, four: Floats, bias: Floats, y: Floats): number {
  const quad = Math.floor((this.thread.y + 0.5) / 4);
  const at = ((this.thread.z * this.constants.m) / 4 + quad) * this.constants.n + this.thread.x;
  let sum = four[4 * at + this.thread.y - 4 * quad]!;
  if (this.constants.accumulate > 0) {
    sum += y[(this.thread.z * this.constants.m + this.thread.y) * this.constants.n + this.thread.x]!;
  }
  if (this.constants.biased > 0) sum += bias[this.thread.x]!;
  return sum;
}

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

/** Grid [n, rows]. */
function lookup(this: Sized<'n' | 'V'>, ids: Floats, weight: Floats, nothing: number): number {
  const id = ids[this.thread.y]!;
  if (id >= 0 && id < this.constants.V) return weight[id * this.constants.n + this.thread.x]!;
  return nothing;
}

/** Grid [n, V]. */
function lookupGradient(this: Sized<'n' | 'rows'>, ids: Floats, dy: Floats): number {
  let sum = 0;
  for (let r = 0; r < this.constants.rows; r++) {
    if (ids[r]! === this.thread.y) sum += dy[r * this.constants.n + this.thread.x]!;
  }
  return sum;
}

/** Grid [rows]. */
function rowMax(this: Sized<'n'>, x: Floats): number {
  let max = x[this.thread.x * this.constants.n]!;
  for (let i = 1; i < this.constants.n; i++) max = Math.max(max, x[this.thread.x * this.constants.n + i]!);
  return max;
}

/** Grid [rows]: log Σ e^{x − max}. */
function logSumExp(this: Sized<'n'>, x: Floats, max: Floats): number {
  let sum = 0;
  for (let i = 0; i < this.constants.n; i++) {
    sum += Math.exp(x[this.thread.x * this.constants.n + i]! - max[this.thread.x]!);
  }
  return Math.log(sum);
}

/** Grid [rows]. */
function lossOf(
  this: Sized<'n'>,
  logits: Floats,
  targets: Floats,
  max: Floats,
  logSum: Floats,
  nothing: number,
): number {
  const target = targets[this.thread.x]!;
  if (target >= this.constants.n) return nothing;
  if (target < 0) return 0;
  return logSum[this.thread.x]! - (logits[this.thread.x * this.constants.n + target]! - max[this.thread.x]!);
}

/** Grid [n, rows]. */
function lossGradient(
  this: Sized<'n'>,
  logits: Floats,
  targets: Floats,
  max: Floats,
  logSum: Floats,
  dloss: Floats,
  nothing: number,
): number {
  const target = targets[this.thread.y]!;
  if (target >= this.constants.n) return nothing;
  if (target < 0) return 0;
  const share = Math.exp(
    logits[this.thread.y * this.constants.n + this.thread.x]! - max[this.thread.y]! - logSum[this.thread.y]!,
  );
  if (target === this.thread.x) return dloss[this.thread.y]! * (share - 1);
  return dloss[this.thread.y]! * share;
}

/** Rows up to this length lose too much in float32 where a gradient cancels. */
const shortest = 4;

function norm(machine: Machine, { x, weight, bias, eps, y }: NormArgs, centred: 0 | 1): void {
  const n = x.shape.at(-1)!;
  const rows = x.size / (n || 1);
  const { none } = machine;
  const mean = centred ? machine.temporary(rowMean, [rows], { n }, x) : none;
  const scale = machine.temporary(rowScale, [rows], { n, centred }, x, mean, eps);
  const switches = { n, centred, weighted: weight ? 1 : 0, biased: bias ? 1 : 0 };
  machine.write(y, normed, [n, rows], switches, x, mean, scale, weight ?? none, bias ?? none);
}

function normBackward(
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

export function dense(machine: Machine): Dense {
  const { none } = machine;
  return {
    matmul: ({ a, b, bias, transposeA = false, transposeB = false, accumulate = false, y }) => {
      const n = y.shape.at(-1)!;
      const m = y.shape.at(-2)!;
      const k = a.shape.at(transposeA ? -2 : -1)!;
      const batch = m * n === 0 ? 0 : y.size / (m * n);
      const shared = b.shape.length === 2;
      // Rows of the whole batch in one product where b is shared: [batch·m, k]·[k, n].
      const merged = shared && !transposeA;
      const constants = {
        k,
        n,
        m: merged ? batch * m : m,
        batchA: m * k,
        rowA: transposeA ? 1 : k,
        columnA: transposeA ? m : 1,
        batchB: shared ? 0 : k * n,
        rowB: transposeB ? 1 : n,
        columnB: transposeB ? k : 1,
        accumulate: accumulate ? 1 : 0,
        biased: bias ? 1 : 0,
      };
      const depth = merged ? 1 : batch;
      const grid = [n, constants.m, depth] as const;
      const before = accumulate ? y : none;
      if (machine.mode === 'webasm' && constants.m % 4 === 0) {
        const four = machine.quads(fourRows, [n, constants.m / 4, depth], constants, a, b);
        machine.write(y, fromFour, grid, constants, four, bias ?? none, before);
      } else {
        machine.write(y, matmul, grid, constants, a, b, bias ?? none, before);
      }
    },
    layerNorm: (args) => norm(machine, args, 1),
    layerNormBackward: (args) => normBackward(machine, args, 1),
    rmsNorm: (args) => norm(machine, args, 0),
    rmsNormBackward: (args) => normBackward(machine, args, 0),
    embed: ({ ids, weight, y }) => {
      const [V, n] = weight.shape as [number, number];
      machine.write(y, lookup, [n, ids.size], { n, V }, ids, weight, NaN);
    },
    embedBackward: ({ ids, dy, dweight }) => {
      const [V, n] = dweight.shape as [number, number];
      machine.write(dweight, lookupGradient, [n, V], { n, rows: ids.size }, ids, dy);
    },
    crossEntropy: ({ logits, targets, loss }) => {
      const n = logits.shape.at(-1)!;
      const rows = targets.size;
      const max = machine.temporary(rowMax, [rows], { n }, logits);
      const logSum = machine.temporary(logSumExp, [rows], { n }, logits, max);
      machine.write(loss, lossOf, [rows], { n }, logits, targets, max, logSum, NaN);
    },
    crossEntropyBackward: ({ logits, targets, dloss, dlogits }) => {
      const n = logits.shape.at(-1)!;
      const rows = targets.size;
      const max = machine.temporary(rowMax, [rows], { n }, logits);
      const logSum = machine.temporary(logSumExp, [rows], { n }, logits, max);
      machine.write(dlogits, lossGradient, [n, rows], { n }, logits, targets, max, logSum, dloss, NaN);
    },
  };
}
