/** Causal softmax attention with optional gates, in blocks of query rows: T×S scores never exist at once. */

import type { Kernels, SoftmaxAttentionArgs, Tensor } from '@sympow/kernels';
import type { Machine, Operand } from '../machine';
import type { Floats, Sized } from '../program';
import { channelGates, channelsOverKeys, channelsOverQueries } from './channelGates';
import { gatesOf } from './decay';
import { everyBlock } from './rowBlocks';

type Sizes = Sized<'T' | 'S' | 'H' | 'G' | 'd' | 'e' | 'rows' | 'added' | 'channels' | 'width' | 'plane' | 'window'>;

/** Grid [B]: where the first query of each row stands among its keys. */
function places(this: Sized<'most' | 'given'>, offset: Floats): number {
  if (this.constants.given > 0) return Math.max(0, Math.min(this.constants.most, offset[this.thread.x]!));
  return this.constants.most;
}

/** Grid [S, rows, B·H], as the next two: s_ij + A_i − A_j, `hidden` where i does not see j. */
function scores(
  this: Sizes,
  q: Floats,
  k: Floats,
  A: Floats,
  start: Floats,
  offsets: Floats,
  from: number,
  hidden: number,
): number {
  const t = this.thread.y + from;
  const b = Math.floor((this.thread.z + 0.5) / this.constants.H);
  const position = t + offsets[b]!;
  if (this.thread.x > position || t >= this.constants.T) return hidden;
  if (position - this.thread.x >= this.constants.window) return hidden;
  const h = this.thread.z - b * this.constants.H;
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const query = ((b * this.constants.T + t) * this.constants.H + h) * this.constants.d;
  const atT = (b * this.constants.S + position) * this.constants.G + g;
  const atJ = (b * this.constants.S + this.thread.x) * this.constants.G + g;
  const gateT = atT * this.constants.width;
  const gateJ = atJ * this.constants.width;
  let sum = 0;
  if (this.constants.channels > 0) {
    for (let i = 0; i < this.constants.d; i++) {
      if (this.thread.x >= start[gateT + i]!) {
        const tail = A[this.constants.plane + gateT + i]! - A[this.constants.plane + gateJ + i]!;
        const kept = Math.exp(A[gateT + i]! - A[gateJ + i]! + tail);
        if (kept > 0) sum += q[query + i]! * k[atJ * this.constants.d + i]! * kept;
      }
    }
  } else {
    for (let i = 0; i < this.constants.d; i++) sum += q[query + i]! * k[atJ * this.constants.d + i]!;
  }
  sum /= Math.sqrt(this.constants.d);
  if (this.constants.added > 0) {
    const own = gateT + this.constants.width - 1;
    const other = gateJ + this.constants.width - 1;
    if (this.thread.x < start[own]!) return hidden;
    sum += A[own]! - A[other]! + (A[this.constants.plane + own]! - A[this.constants.plane + other]!);
  }
  return sum;
}

/** Weights: e^{s − of the row} times a factor of the row, 0 where i does not see j, whatever its row is. */
function shares(this: Sizes, s: Floats, subtract: Floats, divide: Floats, from: number, divided: number): number {
  const t = this.thread.y + from;
  if (t >= this.constants.T) return 0;
  const b = Math.floor((this.thread.z + 0.5) / this.constants.H);
  const row = (b * this.constants.T + t) * this.constants.H + this.thread.z - b * this.constants.H;
  const score = s[(this.thread.z * this.constants.rows + this.thread.y) * this.constants.S + this.thread.x]!;
  if (score < -1e29) return 0;
  const share = Math.exp(score - subtract[row]!);
  if (divided > 0) return share / divide[row]!;
  return share;
}

/** The gradient of s_ij. */
function scoreGradient(
  this: Sizes,
  w: Floats,
  v: Floats,
  dy: Floats,
  along: Floats,
  offsets: Floats,
  from: number,
): number {
  const t = this.thread.y + from;
  const b = Math.floor((this.thread.z + 0.5) / this.constants.H);
  if (this.thread.x > t + offsets[b]! || t >= this.constants.T) return 0;
  const h = this.thread.z - b * this.constants.H;
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const row = (b * this.constants.T + t) * this.constants.H + h;
  const key = ((b * this.constants.S + this.thread.x) * this.constants.G + g) * this.constants.e;
  let sum = 0;
  for (let i = 0; i < this.constants.e; i++) sum += dy[row * this.constants.e + i]! * v[key + i]!;
  const weight = w[(this.thread.z * this.constants.rows + this.thread.y) * this.constants.S + this.thread.x]!;
  if (weight === 0) return 0;
  return weight * (sum - along[row]!);
}

/** Grid [H, T, B], as the next two. */
function maxima(this: Sizes, s: Floats, before: Floats, from: number): number {
  const row = this.thread.y - from;
  if (row < 0 || row >= this.constants.rows) {
    return before[(this.thread.z * this.constants.T + this.thread.y) * this.constants.H + this.thread.x]!;
  }
  const at = ((this.thread.z * this.constants.H + this.thread.x) * this.constants.rows + row) * this.constants.S;
  let max = s[at]!;
  for (let x = 1; x < this.constants.S; x++) max = Math.max(max, s[at + x]!);
  return max;
}

function rowSums(this: Sizes, s: Floats, max: Floats, before: Floats, from: number): number {
  const row = this.thread.y - from;
  const own = (this.thread.z * this.constants.T + this.thread.y) * this.constants.H + this.thread.x;
  if (row < 0 || row >= this.constants.rows) return before[own]!;
  const at = ((this.thread.z * this.constants.H + this.thread.x) * this.constants.rows + row) * this.constants.S;
  let sum = 0;
  for (let x = 0; x < this.constants.S; x++) sum += Math.exp(s[at + x]! - max[own]!);
  return sum;
}

/** Grid [B·T·H]. */
function logOfSum(this: Sized<never>, max: Floats, sum: Floats): number {
  return max[this.thread.x]! + Math.log(sum[this.thread.x]!);
}

/** Grid [B·T·H]: Σ dy·y. */
function alongAnswer(this: Sized<'e'>, y: Floats, dy: Floats): number {
  let sum = 0;
  for (let i = 0; i < this.constants.e; i++) {
    sum += y[this.thread.x * this.constants.e + i]! * dy[this.thread.x * this.constants.e + i]!;
  }
  return sum;
}

/** Grid [size, T·H, B]: Σ_j w_ij x_j, over √d where `scaled`. */
function overKeys(
  this: Sized<'T' | 'S' | 'H' | 'G' | 'd' | 'size' | 'rows' | 'scaled' | 'window'>,
  w: Floats,
  x: Floats,
  before: Floats,
  offsets: Floats,
  from: number,
): number {
  const t = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const h = this.thread.y - t * this.constants.H;
  const row = t - from;
  if (row < 0 || row >= this.constants.rows) {
    return before[
      (this.thread.z * this.constants.T * this.constants.H + this.thread.y) * this.constants.size + this.thread.x
    ]!;
  }
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const at = ((this.thread.z * this.constants.H + h) * this.constants.rows + row) * this.constants.S;
  const position = t + offsets[this.thread.z]!;
  let sum = 0;
  for (let j = Math.max(0, position + 1 - this.constants.window); j <= position; j++) {
    if (w[at + j]! !== 0) {
      sum +=
        w[at + j]! *
        x[((this.thread.z * this.constants.S + j) * this.constants.G + g) * this.constants.size + this.thread.x]!;
    }
  }
  if (this.constants.scaled > 0) sum /= Math.sqrt(this.constants.d);
  return sum;
}

/** Grid [size, S·G, B]: Σ_i w_ij x_i over the rows of this block, over √d where `scaled`. */
function overQueries(
  this: Sized<'T' | 'S' | 'H' | 'G' | 'd' | 'size' | 'rows' | 'scaled' | 'window'>,
  w: Floats,
  x: Floats,
  before: Floats,
  offsets: Floats,
  from: number,
): number {
  const j = Math.floor((this.thread.y + 0.5) / this.constants.G);
  const g = this.thread.y - j * this.constants.G;
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  const first = Math.max(j - offsets[this.thread.z]!, from);
  const last = j + this.constants.window - offsets[this.thread.z]!;
  const end = Math.min(Math.min(from + this.constants.rows, this.constants.T), last);
  let sum = 0;
  for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
    for (let t = first; t < end; t++) {
      const weight =
        w[((this.thread.z * this.constants.H + h) * this.constants.rows + t - from) * this.constants.S + j]!;
      if (weight !== 0) {
        sum +=
          weight *
          x[((this.thread.z * this.constants.T + t) * this.constants.H + h) * this.constants.size + this.thread.x]!;
      }
    }
  }
  if (this.constants.scaled > 0) sum /= Math.sqrt(this.constants.d);
  if (from > 0) {
    sum +=
      before[
        (this.thread.z * this.constants.S * this.constants.G + this.thread.y) * this.constants.size + this.thread.x
      ]!;
  }
  return sum;
}

/** Grid [G, S, B]: what a token's queries say about its A, less what its keys do. */
function gateGradient(
  this: Sized<'T' | 'S' | 'H' | 'G' | 'rows'>,
  ds: Floats,
  before: Floats,
  offsets: Floats,
  from: number,
): number {
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  const own = this.thread.y - offsets[this.thread.z]! - from;
  let sum = 0;
  for (let h = this.thread.x * perGroup; h < (this.thread.x + 1) * perGroup; h++) {
    const at = (this.thread.z * this.constants.H + h) * this.constants.rows;
    if (own >= 0 && own < this.constants.rows) {
      for (let j = 0; j < this.constants.S; j++) sum += ds[(at + own) * this.constants.S + j]!;
    }
    for (let row = 0; row < this.constants.rows; row++) sum -= ds[(at + row) * this.constants.S + this.thread.y]!;
  }
  if (from > 0) {
    sum += before[(this.thread.z * this.constants.S + this.thread.y) * this.constants.G + this.thread.x]!;
  }
  return sum;
}

/** Far below every score; e^ of it is 0. */
const hidden = -1e30;

export function softmaxAttention(machine: Machine): Pick<Kernels, 'softmaxAttention' | 'softmaxAttentionBackward'> {
  const { none } = machine;

  function sizesOf(args: Pick<SoftmaxAttentionArgs, 'q' | 'k' | 'v' | 'gates' | 'offset' | 'window'>) {
    const { q, k, v, gates, offset, window } = args;
    const [B, T, H, d] = q.shape as [number, number, number, number];
    const [, S, G] = k.shape as [number, number, number];
    const { A, start, gated, plane, width } = gatesOf(machine, gates, 1);
    const channels = gates?.start.shape.length === 4 ? 1 : 0;
    const kinds = { channels, added: gated && (!channels || width > d) ? 1 : 0, width, plane };
    const at = machine.temporary(places, [B], { most: S - T, given: offset ? 1 : 0 }, offset ?? none);
    return { B, shape: { T, S, H, G, d, e: v.shape[3]!, window: Math.min(S, window ?? S) }, at, A, start, kinds };
  }

  return {
    softmaxAttention: (args) => {
      const { q, k, v, y, logSum } = args;
      const { B, shape, at, A, start, kinds } = sizesOf(args);
      const { T, S, H, e } = shape;
      let max = none;
      let sum = none;
      everyBlock(machine, T, B * H * S, (from, rows) => {
        const sizes = { rows, ...shape, ...kinds };
        const s = machine.temporary(scores, [S, rows, B * H], sizes, q, k, A, start, at, from, hidden);
        max = machine.temporary(maxima, [H, T, B], sizes, s, max, from);
        sum = machine.temporary(rowSums, [H, T, B], sizes, s, max, sum, from);
        const w = machine.temporary(shares, [S, rows, B * H], sizes, s, max, sum, from, 1);
        const constants = { size: e, rows, scaled: 0, ...shape };
        machine.write(y, overKeys, [e, T * H, B], constants, w, v, rows < T ? y : none, at, from);
        return [max, sum];
      });
      machine.write(logSum, logOfSum, [B * T * H], {}, max, sum);
    },
    softmaxAttentionBackward: (args) => {
      const { q, k, v, y, logSum, dy, dq, dk, dv, dA } = args;
      const { B, shape, at, A, start, kinds } = sizesOf(args);
      const { T, S, H, G, d, e } = shape;
      let added = none;
      const along = machine.temporary(alongAnswer, [B * T * H], { e }, y, dy);
      everyBlock(machine, T, B * H * S, (from, rows) => {
        const sizes = { rows, ...shape, ...kinds };
        const before = (tensor: Tensor): Operand => (rows < T ? tensor : none);
        const s = machine.temporary(scores, [S, rows, B * H], sizes, q, k, A, start, at, from, hidden);
        const w = machine.temporary(shares, [S, rows, B * H], sizes, s, logSum, none, from, 0);
        const values = { size: e, rows, scaled: 0, ...shape };
        machine.write(dv, overQueries, [e, S * G, B], values, w, dy, before(dv), at, from);
        const ds = machine.temporary(scoreGradient, [S, rows, B * H], sizes, w, v, dy, along, at, from);
        if (kinds.channels) {
          const by = { T, S, H, G, d, rows, width: kinds.width, plane: kinds.plane, window: shape.window };
          machine.write(dk, channelsOverQueries, [d, S * G, B], by, ds, q, A, start, before(dk), from);
          machine.write(dq, channelsOverKeys, [d, T * H, B], by, ds, k, A, start, before(dq), from);
          if (kinds.added)
            added = machine.temporary(gateGradient, [G, S, B], { T, S, H, G, rows }, ds, added, at, from);
          return [added];
        }
        const keys = { size: d, rows, scaled: 1, ...shape };
        machine.write(dk, overQueries, [d, S * G, B], keys, ds, q, before(dk), at, from);
        machine.write(dq, overKeys, [d, T * H, B], keys, ds, k, before(dq), at, from);
        if (dA) machine.write(dA, gateGradient, [G, S, B], { T, S, H, G, rows }, ds, before(dA), at, from);
        return [];
      });
      if (dA && kinds.channels) {
        machine.write(dA, channelGates, [kinds.width, G, B * S], { H, G, d }, q, dq, k, dk, added);
      }
    },
  };
}
