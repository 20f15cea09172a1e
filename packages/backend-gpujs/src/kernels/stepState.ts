/** One token of the recurrent form, S ← γS + φ(k)vᵀ and Y = φ(q)ᵀS / φ(q)·Z; specification §6. */

import type { Kernels, StepStateArgs, StepStateBackwardArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Thread } from '../program';
import { tablesOf } from './tables';

type Sizes = {
  readonly H: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  readonly D: number;
  readonly p: number;
  readonly gated: number;
  readonly vector: number;
};
type Entries = Sizes & { readonly index: Floats; readonly weight: Floats };
type Slopes = Sizes & { readonly E: number; readonly part: Floats; readonly entry: Floats; readonly slope: Floats };

/** Grid [B·G·width]: γ, 0 below the smallest gate. */
function gates(this: Thread<object>, logGate: Floats): number {
  if (logGate[this.thread.x]! < -87) return 0;
  return Math.exp(logGate[this.thread.x]!);
}

/** Grid [D, B·G]: γ of each row of the state. */
function rowDecays(this: Thread<Entries>, gamma: Floats): number {
  if (this.constants.gated <= 0) return 1;
  if (this.constants.vector <= 0) return gamma[this.thread.y]!;
  let decay = 1;
  for (let r = 0; r < this.constants.p; r++) {
    decay *= gamma[this.thread.y * this.constants.d + this.constants.index[this.thread.x * this.constants.p + r]!]!;
  }
  return decay;
}

/** Grid [D, rows]: φ(x), over √d of each coordinate where `queries`. */
function features(this: Thread<Entries & { readonly queries: number }>, x: Floats): number {
  let phi = this.constants.weight[this.thread.x]!;
  for (let r = 0; r < this.constants.p; r++) {
    phi *= x[this.thread.y * this.constants.d + this.constants.index[this.thread.x * this.constants.p + r]!]!;
    if (this.constants.queries > 0) phi /= Math.sqrt(this.constants.d);
  }
  return phi;
}

/** Grid [columns, D, B·G]: γS + φ(k)vᵀ, v being 1 where it is not `valued`. A decay of 0 forgets even what is not finite. */
function stepped(
  this: Thread<{ readonly D: number; readonly columns: number; readonly valued: number }>,
  S: Floats,
  decays: Floats,
  phi: Floats,
  v: Floats,
): number {
  const row = this.thread.z * this.constants.D + this.thread.y;
  let added = phi[row]!;
  if (this.constants.valued > 0) added *= v[this.thread.z * this.constants.columns + this.thread.x]!;
  if (decays[row]! <= 0) return added;
  return decays[row]! * S[row * this.constants.columns + this.thread.x]! + added;
}

/** Grid [columns, B·H]: φ(q)ᵀS, added up with what rounding takes from it, since the terms nearly cancel. */
function read(
  this: Thread<{ readonly H: number; readonly G: number; readonly D: number; readonly columns: number }>,
  phi: Floats,
  S: Floats,
  one: number,
): number {
  const state = Math.floor(((this.thread.y + 0.5) * this.constants.G) / this.constants.H) * this.constants.D;
  let head = 0;
  let tail = 0;
  for (let row = 0; row < this.constants.D; row++) {
    const term =
      phi[this.thread.y * this.constants.D + row]! * S[(state + row) * this.constants.columns + this.thread.x]!;
    const sum = Math.fround(head + term);
    const shadow = Math.fround(sum * one - head);
    const rest = Math.fround(sum * one - shadow);
    tail += Math.fround(head - rest) + (term - shadow);
    head = sum;
  }
  return head + tail;
}

/** Grid [B·H]. */
function answerScale(this: Thread<{ readonly divided: number }>, total: Floats): number {
  if (this.constants.divided <= 0) return 1;
  if (total[this.thread.x]! === 0) return 0;
  return 1 / total[this.thread.x]!;
}

/** Grid [e, B·H]. */
function scaled(this: Thread<{ readonly e: number }>, x: Floats, scale: Floats): number {
  return x[this.thread.y * this.constants.e + this.thread.x]! * scale[this.thread.y]!;
}

/** Grid [B·H]: the gradient of the divisor. */
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

/** Grid [columns, D, B·G]: of the new state: what later steps say, and what the answer does. */
function nextGradient(
  this: Thread<{
    readonly H: number;
    readonly G: number;
    readonly D: number;
    readonly columns: number;
    readonly later: number;
  }>,
  dNext: Floats,
  phi: Floats,
  dAnswer: Floats,
): number {
  const row = this.thread.z * this.constants.D + this.thread.y;
  const b = Math.floor((this.thread.z + 0.5) / this.constants.G);
  const g = this.thread.z - b * this.constants.G;
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  let sum = 0;
  if (this.constants.later > 0) {
    sum = dNext[row * this.constants.columns + this.thread.x]!;
  }
  for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
    const query = b * this.constants.H + h;
    sum += phi[query * this.constants.D + this.thread.y]! * dAnswer[query * this.constants.columns + this.thread.x]!;
  }
  return sum;
}

/** Grid [D, rows]: Σ_j S[row, j]·x[j] + Z[row]·z, of query or key features; `perState` rows share a state. */
function featureGradient(
  this: Thread<{
    readonly D: number;
    readonly e: number;
    readonly rows: number;
    readonly states: number;
    readonly summed: number;
  }>,
  S: Floats,
  Z: Floats,
  x: Floats,
  z: Floats,
): number {
  const state = Math.floor(((this.thread.y + 0.5) * this.constants.states) / this.constants.rows);
  const at = state * this.constants.D + this.thread.x;
  let sum = Z[at]!;
  if (this.constants.summed > 0) sum *= z[this.thread.y]!;
  for (let j = 0; j < this.constants.e; j++) {
    sum += S[at * this.constants.e + j]! * x[this.thread.y * this.constants.e + j]!;
  }
  return sum;
}

/** Grid [d, rows]: of x, from that of φ(x), or of φ(x/√d) where `queries`. */
function vectorGradient(this: Thread<Slopes & { readonly queries: number }>, x: Floats, dPhi: Floats): number {
  let sum = 0;
  for (let j = 0; j < this.constants.E; j++) {
    const at = this.thread.x * this.constants.E + j;
    let along = dPhi[this.thread.y * this.constants.D + this.constants.entry[at]!]! * this.constants.slope[at]!;
    for (let r = 0; r < this.constants.p - 1; r++) {
      along *= x[this.thread.y * this.constants.d + this.constants.part[j * (this.constants.p - 1) + r]!]!;
      if (this.constants.queries > 0) along /= Math.sqrt(this.constants.d);
    }
    sum += along;
  }
  if (this.constants.queries > 0) sum /= Math.sqrt(this.constants.d);
  return sum;
}

/** Grid [e, B·G]. */
function valueGradient(this: Thread<{ readonly D: number; readonly e: number }>, phi: Floats, dS: Floats): number {
  let sum = 0;
  for (let row = 0; row < this.constants.D; row++) {
    const at = this.thread.y * this.constants.D + row;
    sum += phi[at]! * dS[at * this.constants.e + this.thread.x]!;
  }
  return sum;
}

/** Grid [D, B·G]: the gradient of a row's decay, times the decay. */
function alongRow(
  this: Thread<{ readonly D: number; readonly e: number }>,
  S: Floats,
  Z: Floats,
  dS: Floats,
  dZ: Floats,
  decays: Floats,
): number {
  const at = this.thread.y * this.constants.D + this.thread.x;
  if (decays[at]! <= 0) return 0;
  let sum = dZ[at]! * Z[at]!;
  for (let j = 0; j < this.constants.e; j++) {
    sum += dS[at * this.constants.e + j]! * S[at * this.constants.e + j]!;
  }
  return decays[at]! * sum;
}

/** Grid [width, B·G]. */
function gateGradient(
  this: Thread<{
    readonly D: number;
    readonly vector: number;
    readonly E: number;
    readonly entry: Floats;
    readonly count: Floats;
  }>,
  along: Floats,
): number {
  const at = this.thread.y * this.constants.D;
  let sum = 0;
  if (this.constants.vector > 0) {
    for (let j = 0; j < this.constants.E; j++) {
      const cell = this.thread.x * this.constants.E + j;
      sum += this.constants.count[cell]! * along[at + this.constants.entry[cell]!]!;
    }
  } else {
    for (let i = 0; i < this.constants.D; i++) sum += along[at + i]!;
  }
  return sum;
}

/** Grid [columns, D, B·G]. */
function decayedGradient(
  this: Thread<{ readonly D: number; readonly columns: number }>,
  dNext: Floats,
  decays: Floats,
): number {
  const row = this.thread.z * this.constants.D + this.thread.y;
  if (decays[row]! <= 0) return 0;
  return decays[row]! * dNext[row * this.constants.columns + this.thread.x]!;
}

function prepare(machine: Machine, { q, k, Z, v, logGate, power }: StepStateArgs | StepStateBackwardArgs) {
  const [B, H, d] = q.shape as [number, number, number];
  const [, G, D] = Z.shape as [number, number, number];
  const vector = logGate?.shape.length === 3 ? 1 : 0;
  const tables = tablesOf(d, power);
  const sizes = { H, G, d, e: v.shape[2]!, D, p: power, gated: logGate ? 1 : 0, vector };
  const entries = { index: tables.index, weight: tables.weight, ...sizes };
  const gamma = logGate ? machine.temporary(gates, [logGate.size], {}, logGate) : machine.none;
  return {
    B,
    sizes,
    tables,
    decays: machine.temporary(rowDecays, [D, B * G], entries, gamma),
    ofKeys: machine.temporary(features, [D, B * G], { queries: 0, ...entries }, k),
    ofQueries: machine.temporary(features, [D, B * H], { queries: 1, ...entries }, q),
  };
}

export function stepState(machine: Machine): Pick<Kernels, 'stepState' | 'stepStateBackward'> {
  const { none } = machine;
  return {
    stepState: (args) => {
      const { v, S, Z, SNext, ZNext, y } = args;
      const { B, sizes, decays, ofKeys, ofQueries } = prepare(machine, args);
      const { H, G, D, e } = sizes;
      machine.write(SNext, stepped, [e, D, B * G], { D, columns: e, valued: 1 }, S, decays, ofKeys, v);
      machine.write(ZNext, stepped, [1, D, B * G], { D, columns: 1, valued: 0 }, Z, decays, ofKeys, none);
      const total = machine.temporary(read, [1, B * H], { H, G, D, columns: 1 }, ofQueries, ZNext, 1);
      const answer = machine.temporary(read, [e, B * H], { H, G, D, columns: e }, ofQueries, SNext, 1);
      const divided = args.normalizer === 'sum' ? 1 : 0;
      const scale = machine.temporary(answerScale, [B * H], { divided }, total);
      machine.write(y, scaled, [e, B * H], { e }, answer, scale);
    },
    stepStateBackward: (args) => {
      const { q, k, v, S, Z, SNext, ZNext, y, dy, dSNext, dZNext, dq, dk, dv, dlogGate, dS, dZ } = args;
      const { B, sizes, tables, decays, ofKeys, ofQueries } = prepare(machine, args);
      const { H, G, d, D, e, vector } = sizes;
      const divided = args.normalizer === 'sum' ? 1 : 0;
      const total = machine.temporary(read, [1, B * H], { H, G, D, columns: 1 }, ofQueries, ZNext, 1);
      const scale = machine.temporary(answerScale, [B * H], { divided }, total);
      const dAnswer = machine.temporary(scaled, [e, B * H], { e }, dy, scale);
      const dTotal = machine.temporary(divisorGradient, [B * H], { e, divided }, y, dAnswer);
      const both = { H, G, D };
      const nextS = machine.temporary(
        nextGradient,
        [e, D, B * G],
        { columns: e, later: dSNext ? 1 : 0, ...both },
        dSNext ?? none,
        ofQueries,
        dAnswer,
      );
      const nextZ = machine.temporary(
        nextGradient,
        [1, D, B * G],
        { columns: 1, later: dZNext ? 1 : 0, ...both },
        dZNext ?? none,
        ofQueries,
        dTotal,
      );
      const { E, part, entry, slope, count } = tables;
      const slopes = { E, part, entry, slope, ...sizes };
      const ofQuery = { D, e, rows: B * H, states: B * G, summed: 1 };
      const dQuery = machine.temporary(featureGradient, [D, B * H], ofQuery, SNext, ZNext, dAnswer, dTotal);
      machine.write(dq, vectorGradient, [d, B * H], { queries: 1, ...slopes }, q, dQuery);
      const ofKey = { D, e, rows: B * G, states: B * G, summed: 0 };
      const dKey = machine.temporary(featureGradient, [D, B * G], ofKey, nextS, nextZ, v, none);
      machine.write(dk, vectorGradient, [d, B * G], { queries: 0, ...slopes }, k, dKey);
      machine.write(dv, valueGradient, [e, B * G], { D, e }, ofKeys, nextS);
      if (dlogGate) {
        const along = machine.temporary(alongRow, [D, B * G], { D, e }, S, Z, nextS, nextZ, decays);
        const width = vector ? d : 1;
        machine.write(dlogGate, gateGradient, [width, B * G], { D, vector, E, entry, count }, along);
      }
      machine.write(dS, decayedGradient, [e, D, B * G], { D, columns: e }, nextS, decays);
      machine.write(dZ, decayedGradient, [1, D, B * G], { D, columns: 1 }, nextZ, decays);
    },
  };
}
