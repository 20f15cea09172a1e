/** Matrix products, token lookup, cross-entropy and the choice of a token, and the norms of norms.ts. */

import { drawTokens, type Kernels, type Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized } from '../program';
import type { Storage } from '../storage';
import { norm, normBackward } from './norms';

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
  | 'sampleToken'
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
    // On the host: a generator's words are no floats.
    sampleToken: ({ logits, settings, random, ids, logProbability }) => {
      const storage = (tensor: Tensor) => tensor.handle as Storage;
      const words = Int32Array.from(storage(random).host ?? new Int32Array(random.size));
      const tokens = new Int32Array(ids.size);
      const logs = logProbability && new Float32Array(ids.size);
      const [V, floats] = [logits.shape[1]!, (tensor: Tensor) => machine.read(storage(tensor))];
      drawTokens({
        ...{ logits: floats(logits), settings: floats(settings), V },
        ...{ random: words, ids: tokens, logProbability: logs },
      });
      storage(random).put(words);
      storage(ids).put(tokens);
      if (logProbability) storage(logProbability).put(logs!);
    },
  };
}
