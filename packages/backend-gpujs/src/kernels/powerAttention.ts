/**
 * Attention inside each chunk with scores (q·k)^p, unnormalised and scaled by its row maximum; specification §3 and §7.3.
 *
 * Scores stand as [B·H, rows, columns], column x being the x-th token of the row's chunk. Nothing is raised to a power before
 * the row's largest |g| is divided out.
 */

import type { Kernels, PowerAttentionArgs, Tensor } from '@sympow/kernels';
import type { Machine, Operand } from '../machine';
import type { Floats, Sized } from '../program';
import { gatesOf, type Gates } from './decay';
import { writeGateGradient } from './gateGradient';
import { everyBlock } from './rowBlocks';

type Sizes = Sized<
  'T' | 'H' | 'G' | 'd' | 'e' | 'chunk' | 'rows' | 'columns' | 'p' | 'gated' | 'width' | 'vector' | 'root' | 'plane'
>;

/** Grid [columns, rows, B·H], as the next three: g_ij = q_i·k_j e^{(A_i − A_j)/p}/√d, 0 where i does not see j. */
function scores(this: Sizes, q: Floats, k: Floats, A: Floats, start: Floats, from: number): number {
  const t = this.thread.y + from;
  const j = Math.floor((t + 0.5) / this.constants.chunk) * this.constants.chunk + this.thread.x;
  if (j > t || t >= this.constants.T) return 0;
  const b = Math.floor((this.thread.z + 0.5) / this.constants.H);
  const h = this.thread.z - b * this.constants.H;
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const query = ((b * this.constants.T + t) * this.constants.H + h) * this.constants.d;
  const key = ((b * this.constants.T + j) * this.constants.G + g) * this.constants.d;
  const atT = ((b * this.constants.T + t) * this.constants.G + g) * this.constants.width;
  const atJ = ((b * this.constants.T + j) * this.constants.G + g) * this.constants.width;
  let sum = 0;
  if (this.constants.vector > 0) {
    for (let i = 0; i < this.constants.d; i++) {
      if (j >= start[atT + i]!) {
        const gap =
          A[atT + i]! - A[atJ + i]! + (A[this.constants.plane + atT + i]! - A[this.constants.plane + atJ + i]!);
        const kept = Math.exp(gap);
        if (kept !== 0) sum += q[query + i]! * k[key + i]! * kept;
      }
    }
    return sum / Math.sqrt(this.constants.d);
  }
  for (let i = 0; i < this.constants.d; i++) sum += q[query + i]! * k[key + i]!;
  if (this.constants.gated > 0) {
    if (j < start[atT]!) return 0;
    const gap = A[atT]! - A[atJ]! + (A[this.constants.plane + atT]! - A[this.constants.plane + atJ]!);
    sum *= Math.exp(gap * this.constants.root);
  }
  return sum / Math.sqrt(this.constants.d);
}

/** w_ij = (g_ij/max_i)^p, 0 where g_ij is, whatever its row's maximum */
function weights(this: Sizes, g: Floats, rowMax: Floats, from: number): number {
  const t = this.thread.y + from;
  if (t >= this.constants.T) return 0;
  const b = Math.floor((this.thread.z + 0.5) / this.constants.H);
  const h = this.thread.z - b * this.constants.H;
  const max = rowMax[(b * this.constants.T + t) * this.constants.H + h]!;
  if (max <= 0) return 0;
  const score = g[(this.thread.z * this.constants.rows + this.thread.y) * this.constants.columns + this.thread.x]!;
  if (score === 0) return 0;
  const ratio = score / max;
  let weight = 1;
  for (let r = 0; r < this.constants.p; r++) weight *= ratio;
  return weight;
}

/** The gradient of q_i·k_j in its dimension: that of g_ij times its decay (left out with vector gates) over √d. */
function scoreGradient(
  this: Sizes,
  g: Floats,
  rowMax: Floats,
  v: Floats,
  dnum: Floats,
  dden: Floats,
  A: Floats,
  start: Floats,
  from: number,
): number {
  const t = this.thread.y + from;
  const j = Math.floor((t + 0.5) / this.constants.chunk) * this.constants.chunk + this.thread.x;
  if (j > t || t >= this.constants.T) return 0;
  const b = Math.floor((this.thread.z + 0.5) / this.constants.H);
  const h = this.thread.z - b * this.constants.H;
  const group = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const row = (b * this.constants.T + t) * this.constants.H + h;
  const max = rowMax[row]!;
  if (max <= 0) return 0;
  const atT = ((b * this.constants.T + t) * this.constants.G + group) * this.constants.width;
  const atJ = ((b * this.constants.T + j) * this.constants.G + group) * this.constants.width;
  let decay = 1;
  if (this.constants.gated > 0 && this.constants.vector <= 0) {
    if (j < start[atT]!) return 0;
    const gap = A[atT]! - A[atJ]! + (A[this.constants.plane + atT]! - A[this.constants.plane + atJ]!);
    decay = Math.exp(gap * this.constants.root);
  }
  const key = ((b * this.constants.T + j) * this.constants.G + group) * this.constants.e;
  let sum = dden[row]!;
  for (let i = 0; i < this.constants.e; i++) sum += dnum[row * this.constants.e + i]! * v[key + i]!;
  const score = g[(this.thread.z * this.constants.rows + this.thread.y) * this.constants.columns + this.thread.x]!;
  const ratio = score / max;
  for (let r = 0; r < this.constants.p - 1; r++) sum *= ratio;
  return (((sum * this.constants.p) / max) * decay) / Math.sqrt(this.constants.d);
}

/** Grid [H, T, B], as the next. */
function maxima(this: Sizes, g: Floats, before: Floats, from: number): number {
  const row = this.thread.y - from;
  if (row < 0 || row >= this.constants.rows) {
    return before[(this.thread.z * this.constants.T + this.thread.y) * this.constants.H + this.thread.x]!;
  }
  const at = ((this.thread.z * this.constants.H + this.thread.x) * this.constants.rows + row) * this.constants.columns;
  let max = 0;
  for (let x = 0; x < this.constants.columns; x++) max = Math.max(max, Math.abs(g[at + x]!));
  return max;
}

function sumsOfWeights(this: Sizes, w: Floats, before: Floats, from: number): number {
  const row = this.thread.y - from;
  if (row < 0 || row >= this.constants.rows) {
    return before[(this.thread.z * this.constants.T + this.thread.y) * this.constants.H + this.thread.x]!;
  }
  const at = ((this.thread.z * this.constants.H + this.thread.x) * this.constants.rows + row) * this.constants.columns;
  let sum = 0;
  for (let x = 0; x < this.constants.columns; x++) sum += w[at + x]!;
  return sum;
}

/** Grid [e, T·H, B]. */
function weightedValues(this: Sizes, w: Floats, v: Floats, before: Floats, from: number): number {
  const t = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const h = this.thread.y - t * this.constants.H;
  const row = t - from;
  if (row < 0 || row >= this.constants.rows) {
    return before[
      (this.thread.z * this.constants.T * this.constants.H + this.thread.y) * this.constants.e + this.thread.x
    ]!;
  }
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const begin = Math.floor((t + 0.5) / this.constants.chunk) * this.constants.chunk;
  const at = ((this.thread.z * this.constants.H + h) * this.constants.rows + row) * this.constants.columns;
  let sum = 0;
  for (let x = 0; x <= t - begin; x++) {
    if (w[at + x]! !== 0) {
      sum +=
        w[at + x]! *
        v[((this.thread.z * this.constants.T + begin + x) * this.constants.G + g) * this.constants.e + this.thread.x]!;
    }
  }
  return sum;
}

/** Grid [e, T·G, B]: Σ over the rows of this block that see token j. */
function valueGradient(this: Sizes, w: Floats, dnum: Floats, before: Floats, from: number): number {
  const j = Math.floor((this.thread.y + 0.5) / this.constants.G);
  const g = this.thread.y - j * this.constants.G;
  const begin = Math.floor((j + 0.5) / this.constants.chunk) * this.constants.chunk;
  const first = Math.max(j, from);
  const end = Math.min(Math.min(begin + this.constants.chunk, this.constants.T), from + this.constants.rows);
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  let sum = 0;
  if (from > 0) {
    sum =
      before[(this.thread.z * this.constants.T * this.constants.G + this.thread.y) * this.constants.e + this.thread.x]!;
  }
  for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
    for (let t = first; t < end; t++) {
      const weight =
        w[
          ((this.thread.z * this.constants.H + h) * this.constants.rows + t - from) * this.constants.columns + j - begin
        ]!;
      if (weight !== 0) {
        sum +=
          weight *
          dnum[((this.thread.z * this.constants.T + t) * this.constants.H + h) * this.constants.e + this.thread.x]!;
      }
    }
  }
  return sum;
}

/** Grid [d, T·H, B]. */
function queryGradient(
  this: Sizes,
  ds: Floats,
  k: Floats,
  A: Floats,
  start: Floats,
  before: Floats,
  from: number,
): number {
  const t = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const h = this.thread.y - t * this.constants.H;
  const row = t - from;
  if (row < 0 || row >= this.constants.rows) {
    return before[
      (this.thread.z * this.constants.T * this.constants.H + this.thread.y) * this.constants.d + this.thread.x
    ]!;
  }
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const begin = Math.floor((t + 0.5) / this.constants.chunk) * this.constants.chunk;
  const at = ((this.thread.z * this.constants.H + h) * this.constants.rows + row) * this.constants.columns;
  const i = this.constants.vector * this.thread.x;
  const atT = ((this.thread.z * this.constants.T + t) * this.constants.G + g) * this.constants.width + i;
  let sum = 0;
  for (let x = 0; x <= t - begin; x++) {
    const token = (this.thread.z * this.constants.T + begin + x) * this.constants.G + g;
    let factor = 1;
    if (this.constants.vector > 0) {
      const atJ = token * this.constants.width + i;
      factor = 0;
      if (begin + x >= start[atT]!) {
        const gap = A[atT]! - A[atJ]! + (A[this.constants.plane + atT]! - A[this.constants.plane + atJ]!);
        factor = Math.exp(gap);
      }
    }
    const slope = ds[at + x]!;
    if (factor !== 0 && slope !== 0) sum += slope * k[token * this.constants.d + this.thread.x]! * factor;
  }
  return sum;
}

/** Grid [d, T·G, B]. */
function keyGradient(
  this: Sizes,
  ds: Floats,
  q: Floats,
  A: Floats,
  start: Floats,
  before: Floats,
  from: number,
): number {
  const j = Math.floor((this.thread.y + 0.5) / this.constants.G);
  const g = this.thread.y - j * this.constants.G;
  const begin = Math.floor((j + 0.5) / this.constants.chunk) * this.constants.chunk;
  const first = Math.max(j, from);
  const end = Math.min(Math.min(begin + this.constants.chunk, this.constants.T), from + this.constants.rows);
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  const i = this.constants.vector * this.thread.x;
  const atJ = (this.thread.z * this.constants.T * this.constants.G + this.thread.y) * this.constants.width + i;
  let sum = 0;
  if (from > 0) {
    sum =
      before[(this.thread.z * this.constants.T * this.constants.G + this.thread.y) * this.constants.d + this.thread.x]!;
  }
  for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
    for (let t = first; t < end; t++) {
      let factor = 1;
      if (this.constants.vector > 0) {
        const atT = ((this.thread.z * this.constants.T + t) * this.constants.G + g) * this.constants.width + i;
        factor = 0;
        if (j >= start[atT]!) {
          const gap = A[atT]! - A[atJ]! + (A[this.constants.plane + atT]! - A[this.constants.plane + atJ]!);
          factor = Math.exp(gap);
        }
      }
      const slope =
        ds[
          ((this.thread.z * this.constants.H + h) * this.constants.rows + t - from) * this.constants.columns + j - begin
        ]!;
      if (factor !== 0 && slope !== 0) {
        sum +=
          slope *
          q[((this.thread.z * this.constants.T + t) * this.constants.H + h) * this.constants.d + this.thread.x]! *
          factor;
      }
    }
  }
  return sum;
}

function sizesOf({ q, k, v, chunk, power }: Omit<PowerAttentionArgs, 'num' | 'den' | 'rowMax'>, gates: Gates) {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const columns = Math.min(chunk, T);
  const { gated, width, vector, root, plane } = gates;
  const shape = { T, H, G: k.shape[2]!, d, e: v.shape[3]!, chunk, columns };
  return { B, sizes: { p: power, gated, width, vector, root, plane, ...shape } };
}

export function powerAttention(machine: Machine): Pick<Kernels, 'powerAttention' | 'powerAttentionBackward'> {
  const { none } = machine;
  return {
    powerAttention: (args) => {
      const { q, k, v, num, den, rowMax } = args;
      const gates = gatesOf(machine, args.gates, args.power);
      const { B, sizes: all } = sizesOf(args, gates);
      const { T, H, e, columns } = all;
      everyBlock(machine, T, B * H * columns, (from, rows) => {
        const sizes = { rows, ...all };
        const before = (y: Tensor): Operand => (rows < T ? y : none);
        const grid = [columns, rows, B * H] as const;
        const g = machine.temporary(scores, grid, sizes, q, k, gates.A, gates.start, from);
        machine.write(rowMax, maxima, [H, T, B], sizes, g, before(rowMax), from);
        const w = machine.temporary(weights, grid, sizes, g, rowMax, from);
        machine.write(den, sumsOfWeights, [H, T, B], sizes, w, before(den), from);
        machine.write(num, weightedValues, [e, T * H, B], sizes, w, v, before(num), from);
      });
    },
    powerAttentionBackward: (args) => {
      const { q, k, v, rowMax, dnum, dden, dq, dk, dv, dA } = args;
      const gates = gatesOf(machine, args.gates, args.power);
      const { A, start } = gates;
      const { B, sizes: all } = sizesOf(args, gates);
      const { T, H, G, d, e, columns } = all;
      everyBlock(machine, T, B * H * columns, (from, rows) => {
        const sizes = { rows, ...all };
        const before = (y: Tensor): Operand => (rows < T ? y : none);
        const grid = [columns, rows, B * H] as const;
        const g = machine.temporary(scores, grid, sizes, q, k, A, start, from);
        const w = machine.temporary(weights, grid, sizes, g, rowMax, from);
        machine.write(dv, valueGradient, [e, T * G, B], sizes, w, dnum, before(dv), from);
        const ds = machine.temporary(scoreGradient, grid, sizes, g, rowMax, v, dnum, dden, A, start, from);
        machine.write(dq, queryGradient, [d, T * H, B], sizes, ds, k, A, start, before(dq), from);
        machine.write(dk, keyGradient, [d, T * G, B], sizes, ds, q, A, start, before(dk), from);
      });
      if (dA && gates.gated) writeGateGradient(machine, dA, gates, q, dq, { k, dk });
    },
  };
}
