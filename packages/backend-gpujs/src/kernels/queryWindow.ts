/**
 * Decoding: the newest token answered from the last keys and values and from the state before them; specification §6.
 *
 * It is one row of `powerAttention` and `queryState` together, with the gates summed backwards from the newest token.
 */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Thread } from '../program';
import { tablesOf } from './tables';

type Sizes = {
  readonly C: number;
  readonly H: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  readonly D: number;
  readonly p: number;
  readonly gated: number;
  readonly width: number;
  readonly vector: number;
};
type Entries = Sizes & { readonly index: Floats; readonly weight: Floats };

/** Grid [B]: tokens in the window of each row. */
function within(this: Thread<Sizes>, count: Floats): number {
  return Math.max(0, Math.min(this.constants.C, count[this.thread.x]!));
}

/** Grid [G·width, C + 1, B]: e^{A_newest − A_j} to the exponent of the gates; row C: what is left of the state. */
function decays(this: Thread<Sizes & { readonly root: number }>, logGate: Floats, counts: Floats): number {
  if (this.constants.gated <= 0) return 1;
  let from = this.thread.y + 1;
  if (this.thread.y === this.constants.C) from = 0;
  const count = counts[this.thread.z]!;
  let sum = 0;
  for (let j = from; j < count; j++) {
    const log =
      logGate[(this.thread.z * this.constants.C + j) * this.constants.G * this.constants.width + this.thread.x]!;
    if (log < -87) return 0;
    sum += log;
  }
  return Math.exp(sum * this.constants.root);
}

/** Grid [C, H, B]: g_j, 0 for rows that no token has filled. */
function scores(this: Thread<Sizes>, q: Floats, k: Floats, decay: Floats, counts: Floats): number {
  if (this.thread.x >= counts[this.thread.z]!) return 0;
  const g = Math.floor(((this.thread.y + 0.5) * this.constants.G) / this.constants.H);
  const query = (this.thread.z * this.constants.H + this.thread.y) * this.constants.d;
  const key = ((this.thread.z * this.constants.C + this.thread.x) * this.constants.G + g) * this.constants.d;
  const at = ((this.thread.z * (this.constants.C + 1) + this.thread.x) * this.constants.G + g) * this.constants.width;
  let sum = 0;
  for (let i = 0; i < this.constants.d; i++) {
    const kept = decay[at + i * this.constants.vector]!;
    if (kept !== 0) sum += q[query + i]! * k[key + i]! * kept;
  }
  return sum / Math.sqrt(this.constants.d);
}

/** Grid [d, H, B]: q times what is left of the state, over √d. */
function decayedQuery(this: Thread<Sizes>, q: Floats, decay: Floats): number {
  const g = Math.floor(((this.thread.y + 0.5) * this.constants.G) / this.constants.H);
  const at =
    ((this.thread.z * (this.constants.C + 1) + this.constants.C) * this.constants.G + g) * this.constants.width +
    this.thread.x * this.constants.vector;
  return (
    (q[(this.thread.z * this.constants.H + this.thread.y) * this.constants.d + this.thread.x]! * decay[at]!) /
    Math.sqrt(this.constants.d)
  );
}

/** Grid [B·H]: the common factor max(|g_j|, |q̃|). */
function commonFactor(this: Thread<Sizes>, g: Floats, q: Floats): number {
  let max = 0;
  for (let j = 0; j < this.constants.C; j++) max = Math.max(max, Math.abs(g[this.thread.x * this.constants.C + j]!));
  let largest = 0;
  for (let i = 0; i < this.constants.d; i++) {
    largest = Math.max(largest, Math.abs(q[this.thread.x * this.constants.d + i]!));
  }
  let square = 0;
  if (largest > 0) {
    for (let i = 0; i < this.constants.d; i++) {
      const ratio = q[this.thread.x * this.constants.d + i]! / largest;
      square += ratio * ratio;
    }
  }
  return Math.max(max, largest * Math.sqrt(square));
}

/** Grid [size, B·H]: x/c, 0 where c is, to the power p. */
function overCommon(this: Thread<{ readonly size: number; readonly p: number }>, x: Floats, c: Floats): number {
  if (c[this.thread.y]! <= 0) return 0;
  const ratio = x[this.thread.y * this.constants.size + this.thread.x]! / c[this.thread.y]!;
  let power = 1;
  for (let r = 0; r < this.constants.p; r++) power *= ratio;
  return power;
}

/** Grid [columns, B·H]: Σ_j w_j v_j + φ(q̃/c)ᵀS, v being 1 where it is not `valued`. */
function sums(
  this: Thread<Entries & { readonly columns: number; readonly valued: number }>,
  w: Floats,
  v: Floats,
  q: Floats,
  S: Floats,
  counts: Floats,
): number {
  const b = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const g = Math.floor(((this.thread.y - b * this.constants.H + 0.5) * this.constants.G) / this.constants.H);
  const state = (b * this.constants.G + g) * this.constants.D;
  const count = counts[b]!;
  let sum = 0;
  for (let j = 0; j < count; j++) {
    let term = w[this.thread.y * this.constants.C + j]!;
    if (this.constants.valued > 0 && term !== 0) {
      term *= v[((b * this.constants.C + j) * this.constants.G + g) * this.constants.columns + this.thread.x]!;
    }
    sum += term;
  }
  let known = 0;
  for (let row = 0; row < this.constants.D; row++) {
    // The state early on: φ alone may be too small for a float where their product is not.
    let term = this.constants.weight[row]!;
    let seen = 1;
    for (let r = 0; r < this.constants.p; r++) {
      const factor = q[this.thread.y * this.constants.d + this.constants.index[row * this.constants.p + r]!]!;
      if (factor === 0) seen = 0;
      term *= factor;
      if (r === 0) term *= S[(state + row) * this.constants.columns + this.thread.x]!;
    }
    if (seen > 0) known += term;
  }
  return sum + known;
}

/** Grid [e, B·H]. */
function answers(
  this: Thread<{ readonly e: number; readonly p: number; readonly divided: number }>,
  answer: Floats,
  total: Floats,
  c: Floats,
): number {
  const sum = answer[this.thread.y * this.constants.e + this.thread.x]!;
  if (this.constants.divided > 0) {
    if (total[this.thread.y]! === 0) return 0;
    return sum / total[this.thread.y]!;
  }
  let scale = 1;
  for (let r = 0; r < this.constants.p; r++) scale *= c[this.thread.y]!;
  return scale * sum;
}

export function queryWindow(machine: Machine): Pick<Kernels, 'queryWindow'> {
  return {
    queryWindow: ({ power: p, normalizer, q, k, v, logGate, count, S, Z, y }) => {
      const [B, H, d] = q.shape as [number, number, number];
      const [, C, G] = k.shape as [number, number, number];
      const D = Z.shape[2]!;
      const e = v.shape[3]!;
      const vector = logGate?.shape.length === 4 ? 1 : 0;
      const width = vector ? d : 1;
      const sizes = { C, H, G, d, e, D, p, gated: logGate ? 1 : 0, width, vector };
      const { index, weight } = tablesOf(d, p);
      const rows = B * H;
      const constants = { root: vector ? 1 : 1 / p, ...sizes };
      const counts = machine.temporary(within, [B], sizes, count);
      const decay = machine.temporary(decays, [G * width, C + 1, B], constants, logGate ?? machine.none, counts);
      const g = machine.temporary(scores, [C, H, B], sizes, q, k, decay, counts);
      const tilde = machine.temporary(decayedQuery, [d, H, B], sizes, q, decay);
      const c = machine.temporary(commonFactor, [rows], sizes, g, tilde);
      const hat = machine.temporary(overCommon, [d, rows], { size: d, p: 1 }, tilde, c);
      const w = machine.temporary(overCommon, [C, rows], { size: C, p }, g, c);
      const entries = { index, weight, ...sizes };
      const ofZ = { columns: 1, valued: 0, ...entries };
      const ofS = { columns: e, valued: 1, ...entries };
      const total = machine.temporary(sums, [1, rows], ofZ, w, machine.none, hat, Z, counts);
      const answer = machine.temporary(sums, [e, rows], ofS, w, v, hat, S, counts);
      const divided = normalizer === 'sum' ? 1 : 0;
      machine.write(y, answers, [e, rows], { e, p, divided }, answer, total, c);
    },
  };
}
