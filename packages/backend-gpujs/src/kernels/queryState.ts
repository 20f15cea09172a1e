/**
 * Joins what a chunk's own attention found with what the state before the chunk knows, and normalises; specification §7.4.
 *
 * Both sides are brought over one factor c = max(rowMax, |q̃|) to the power p before they meet.
 */

import type { Kernels, QueryStateArgs, QueryStateBackwardArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Thread } from '../program';
import type { Storage } from '../storage';
import { gatesOf, type Gates } from './decay';
import { writeGateGradient } from './gateGradient';
import { tablesOf } from './tables';

type Sizes = {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  readonly D: number;
  readonly n: number;
  readonly chunk: number;
  readonly p: number;
};
type Decays = Pick<Sizes, 'T' | 'H' | 'G' | 'd' | 'chunk'> & {
  readonly gated: number;
  readonly width: number;
  readonly vector: number;
  readonly root: number;
  readonly plane: number;
};
type Entries = Sizes & { readonly index: Floats; readonly weight: Floats };
type Slopes = Sizes & {
  readonly E: number;
  readonly part: Floats;
  readonly entry: Floats;
  readonly slope: Floats;
};

/** Grid [d, T·H, B]: q times what the state before the chunk has left at token t, over √d. */
function decayedQueries(this: Thread<Decays>, q: Floats, A: Floats, start: Floats): number {
  const t = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const h = this.thread.y - t * this.constants.H;
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const begin = Math.floor((t + 0.5) / this.constants.chunk) * this.constants.chunk;
  let factor = 1 / Math.sqrt(this.constants.d);
  if (this.constants.gated > 0) {
    const at =
      ((this.thread.z * this.constants.T + t) * this.constants.G + g) * this.constants.width +
      this.constants.vector * this.thread.x;
    if (start[at]! >= begin) return 0;
    factor *= Math.exp((A[at]! + A[this.constants.plane + at]!) * this.constants.root);
    if (factor === 0) return 0;
  }
  return (
    q[(this.thread.z * this.constants.T * this.constants.H + this.thread.y) * this.constants.d + this.thread.x]! *
    factor
  );
}

/** Grid [B·T·H]: max(rowMax, |q̃|). */
function commonFactor(this: Thread<{ readonly d: number }>, q: Floats, rowMax: Floats): number {
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
  return Math.max(rowMax[this.thread.x]!, largest * Math.sqrt(square));
}

/** Grid [d, B·T·H]: x/c, 0 where either is. */
function overCommon(this: Thread<{ readonly d: number }>, x: Floats, c: Floats): number {
  const value = x[this.thread.y * this.constants.d + this.thread.x]!;
  if (value === 0 || c[this.thread.y]! <= 0) return 0;
  return value / c[this.thread.y]!;
}

/** Grid [B·T·H]: (rowMax/c)^p, what the chunk's own sums count for. */
function insideShare(this: Thread<{ readonly p: number }>, rowMax: Floats, c: Floats): number {
  if (c[this.thread.x]! <= 0) return 0;
  const ratio = rowMax[this.thread.x]! / c[this.thread.x]!;
  let share = 1;
  for (let r = 0; r < this.constants.p; r++) share *= ratio;
  return share;
}

/** Grid [B·T·H]: den·inside + φ(q̃/c)·Z. */
function divisor(
  this: Thread<Entries & { readonly stated: number }>,
  den: Floats,
  inside: Floats,
  q: Floats,
  Z: Floats,
): number {
  let sum = den[this.thread.x]! * inside[this.thread.x]!;
  if (this.constants.stated > 0) {
    const token = Math.floor((this.thread.x + 0.5) / this.constants.H);
    const b = Math.floor((token + 0.5) / this.constants.T);
    const h = this.thread.x - token * this.constants.H;
    const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
    const c = Math.floor((token - b * this.constants.T + 0.5) / this.constants.chunk);
    const state = ((b * this.constants.n + c) * this.constants.G + g) * this.constants.D;
    for (let row = 0; row < this.constants.D; row++) {
      let phi = this.constants.weight[row]!;
      for (let r = 0; r < this.constants.p; r++) {
        phi *= q[this.thread.x * this.constants.d + this.constants.index[row * this.constants.p + r]!]!;
      }
      if (phi !== 0) sum += phi * Z[state + row]!;
    }
  }
  return sum;
}

/** Grid [B·T·H]: what sums are multiplied by: 1/total, or c^p without a normalizer. */
function answerScale(this: Thread<{ readonly p: number; readonly divided: number }>, total: Floats, c: Floats): number {
  if (this.constants.divided > 0) {
    if (total[this.thread.x]! === 0) return 0;
    return 1 / total[this.thread.x]!;
  }
  let scale = 1;
  for (let r = 0; r < this.constants.p; r++) scale *= c[this.thread.x]!;
  return scale;
}

/** Grid [e, T·H, B]: (num·inside + φ(q̃/c)ᵀS)·scale. */
function answers(
  this: Thread<Entries & { readonly stated: number }>,
  num: Floats,
  inside: Floats,
  q: Floats,
  S: Floats,
  scale: Floats,
): number {
  const row = this.thread.z * this.constants.T * this.constants.H + this.thread.y;
  let sum = num[row * this.constants.e + this.thread.x]! * inside[row]!;
  if (this.constants.stated > 0) {
    const t = Math.floor((this.thread.y + 0.5) / this.constants.H);
    const h = this.thread.y - t * this.constants.H;
    const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
    const c = Math.floor((t + 0.5) / this.constants.chunk);
    const state = ((this.thread.z * this.constants.n + c) * this.constants.G + g) * this.constants.D;
    if (this.constants.p === 2) {
      let entry = state;
      for (let i = 0; i < this.constants.d; i++) {
        const own = q[row * this.constants.d + i]!;
        let cross = 0;
        let at = entry;
        for (let j = i + 1; j < this.constants.d; j++) {
          at += 1;
          cross += q[row * this.constants.d + j]! * S[at * this.constants.e + this.thread.x]!;
        }
        if (own !== 0) sum += own * (own * S[entry * this.constants.e + this.thread.x]! + 1.4142135623730951 * cross);
        entry += this.constants.d - i;
      }
    } else {
      for (let entry = 0; entry < this.constants.D; entry++) {
        let phi = this.constants.weight[entry]!;
        for (let r = 0; r < this.constants.p; r++) {
          phi *= q[row * this.constants.d + this.constants.index[entry * this.constants.p + r]!]!;
        }
        if (phi !== 0) sum += phi * S[(state + entry) * this.constants.e + this.thread.x]!;
      }
    }
  }
  return sum * scale[row]!;
}

/** Grid [e, B·T·H]: dy·scale. */
function scaled(this: Thread<{ readonly e: number }>, dy: Floats, scale: Floats): number {
  return dy[this.thread.y * this.constants.e + this.thread.x]! * scale[this.thread.y]!;
}

/** Grid [B·T·H]: the gradient of the divisor, −(dy·y)·scale; 0 without a normalizer. */
function divisorGradient(
  this: Thread<{ readonly e: number; readonly divided: number }>,
  y: Floats,
  dAnswer: Floats,
): number {
  if (this.constants.divided <= 0) return 0;
  let sum = 0;
  for (let i = 0; i < this.constants.e; i++) {
    sum += dAnswer[this.thread.x * this.constants.e + i]! * y[this.thread.x * this.constants.e + i]!;
  }
  return -sum;
}

/** Grid [B·T·H]. */
function times(this: Thread<object>, a: Floats, b: Floats): number {
  return a[this.thread.x]! * b[this.thread.x]!;
}

/** Grid [e, D, B·n·G]. */
function stateGradient(this: Thread<Entries>, q: Floats, dAnswer: Floats): number {
  const chunkOf = Math.floor((this.thread.z + 0.5) / this.constants.G);
  const g = this.thread.z - chunkOf * this.constants.G;
  const b = Math.floor((chunkOf + 0.5) / this.constants.n);
  const begin = (chunkOf - b * this.constants.n) * this.constants.chunk;
  const end = Math.min(begin + this.constants.chunk, this.constants.T);
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  let sum = 0;
  if (this.constants.p === 2) {
    const first = this.constants.index[this.thread.y * 2]!;
    const second = this.constants.index[this.thread.y * 2 + 1]!;
    for (let t = begin; t < end; t++) {
      for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
        const row = (b * this.constants.T + t) * this.constants.H + h;
        const phi = q[row * this.constants.d + first]! * q[row * this.constants.d + second]!;
        if (phi !== 0) sum += phi * dAnswer[row * this.constants.e + this.thread.x]!;
      }
    }
    return this.constants.weight[this.thread.y]! * sum;
  }
  for (let t = begin; t < end; t++) {
    for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
      const row = (b * this.constants.T + t) * this.constants.H + h;
      let phi = 1;
      for (let r = 0; r < this.constants.p; r++) {
        phi *= q[row * this.constants.d + this.constants.index[this.thread.y * this.constants.p + r]!]!;
      }
      if (phi !== 0) sum += phi * dAnswer[row * this.constants.e + this.thread.x]!;
    }
  }
  return this.constants.weight[this.thread.y]! * sum;
}

/** Grid [D, G, B·n]. */
function normalizerGradient(this: Thread<Entries>, q: Floats, dTotal: Floats): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.n);
  const begin = (this.thread.z - b * this.constants.n) * this.constants.chunk;
  const end = Math.min(begin + this.constants.chunk, this.constants.T);
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  let sum = 0;
  for (let t = begin; t < end; t++) {
    for (let h = this.thread.y * perGroup; h < (this.thread.y + 1) * perGroup; h++) {
      const row = (b * this.constants.T + t) * this.constants.H + h;
      let phi = 1;
      for (let r = 0; r < this.constants.p; r++) {
        phi *= q[row * this.constants.d + this.constants.index[this.thread.x * this.constants.p + r]!]!;
      }
      if (phi !== 0) sum += phi * dTotal[row]!;
    }
  }
  return this.constants.weight[this.thread.x]! * sum;
}

/** Grid [d, T·H, B]: of q̃/c. */
function queryGradient(this: Thread<Slopes>, q: Floats, S: Floats, Z: Floats, dAnswer: Floats, dTotal: Floats): number {
  const row = this.thread.z * this.constants.T * this.constants.H + this.thread.y;
  const t = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const h = this.thread.y - t * this.constants.H;
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const c = Math.floor((t + 0.5) / this.constants.chunk);
  const state = ((this.thread.z * this.constants.n + c) * this.constants.G + g) * this.constants.D;
  let sum = 0;
  for (let j = 0; j < this.constants.E; j++) {
    const at = this.thread.x * this.constants.E + j;
    const entry = state + this.constants.entry[at]!;
    let along = dTotal[row]! * Z[entry]!;
    for (let i = 0; i < this.constants.e; i++) {
      along += dAnswer[row * this.constants.e + i]! * S[entry * this.constants.e + i]!;
    }
    along *= this.constants.slope[at]!;
    for (let r = 0; r < this.constants.p - 1; r++) {
      along *= q[row * this.constants.d + this.constants.part[j * (this.constants.p - 1) + r]!]!;
    }
    sum += along;
  }
  return sum;
}

interface Prepared {
  readonly sizes: Sizes;
  readonly gates: Gates;
  readonly decays: Decays;
  readonly c: Storage | QueryStateArgs['rowMax'];
  readonly inside: Storage;
  /** q̃/c; nothing without a state. */
  readonly hat: Storage;
}

function prepare(machine: Machine, args: QueryStateArgs | QueryStateBackwardArgs): Prepared {
  const { q, y, S, Z, rowMax, power: p, chunk } = args;
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const gates = gatesOf(machine, args.gates, p);
  const [, n, G, D] = (Z?.shape ?? [B, 1, args.gates?.start.shape[2] ?? H, 1]) as [number, number, number, number];
  const sizes = { B, T, H, G, d, e: y.shape[3]!, D, n, chunk, p };
  const { gated, width, vector, root, plane } = gates;
  const decays = { T, H, G, d, chunk, gated, width, vector, root, plane };
  const rows = B * T * H;
  if (!S) {
    const inside = machine.temporary(insideShare, [rows], { p }, rowMax, rowMax);
    return { sizes, gates, decays, c: rowMax, inside, hat: machine.none };
  }
  const tilde = machine.temporary(decayedQueries, [d, T * H, B], decays, q, gates.A, gates.start);
  const c = machine.temporary(commonFactor, [rows], { d }, tilde, rowMax);
  const hat = machine.temporary(overCommon, [d, rows], { d }, tilde, c);
  const inside = machine.temporary(insideShare, [rows], { p }, rowMax, c);
  return { sizes, gates, decays, c, inside, hat };
}

export function queryState(machine: Machine): Pick<Kernels, 'queryState' | 'queryStateBackward'> {
  const { none } = machine;
  return {
    queryState: (args) => {
      const { normalizer, S, Z, num, den, y, total } = args;
      const { sizes, c, inside, hat } = prepare(machine, args);
      const { B, T, H, d, e, p } = sizes;
      const { index, weight } = S ? tablesOf(d, p) : { index: new Float32Array(1), weight: new Float32Array(1) };
      const constants = { index, weight, stated: S ? 1 : 0, ...sizes };
      const rows = B * T * H;
      machine.write(total, divisor, [rows], constants, den, inside, hat, Z ?? none);
      const divided = normalizer === 'sum' ? 1 : 0;
      const scale = machine.temporary(answerScale, [rows], { p, divided }, total, c);
      machine.write(y, answers, [e, T * H, B], constants, num, inside, hat, S ?? none, scale);
    },
    queryStateBackward: (args) => {
      const { q, normalizer, S, Z, y, total, dy, dnum, dden, dq, dS, dZ, dA } = args;
      const { sizes, gates, decays, c, inside, hat } = prepare(machine, args);
      const { B, T, H, G, d, e, D, n, p } = sizes;
      const rows = B * T * H;
      const divided = normalizer === 'sum' ? 1 : 0;
      const scale = machine.temporary(answerScale, [rows], { p, divided }, total, c);
      const dAnswer = machine.temporary(scaled, [e, rows], { e }, dy, scale);
      const dTotal = machine.temporary(divisorGradient, [rows], { e, divided }, y, dAnswer);
      machine.write(dnum, scaled, [e, rows], { e }, dAnswer, inside);
      machine.write(dden, times, [rows], {}, dTotal, inside);
      if (!S || !Z || !dq || !dS || !dZ) return;
      const { E, index, weight, part, entry, slope } = tablesOf(d, p);
      const entries = { index, weight, ...sizes };
      machine.write(dS, stateGradient, [e, D, B * n * G], entries, hat, dAnswer);
      machine.write(dZ, normalizerGradient, [D, G, B * n], entries, hat, dTotal);
      const slopes = { E, part, entry, slope, ...sizes };
      const dHat = machine.temporary(queryGradient, [d, T * H, B], slopes, hat, S, Z, dAnswer, dTotal);
      const overC = machine.temporary(overCommon, [d, rows], { d }, dHat, c);
      machine.write(dq, decayedQueries, [d, T * H, B], decays, overC, gates.A, gates.start);
      if (dA && gates.gated) writeGateGradient(machine, dA, gates, q, dq);
    },
  };
}
