/** The state before every chunk and after the last: S_{n+1} = e^{A_last,n} S_n + ΔS_n; specification §7.2. */

import type { Kernels, Tensor } from '@sympow/kernels';
import type { Machine, Operand } from '../machine';
import type { Floats, Thread } from '../program';
import { chunkDecays, gatesOf, type Gates } from './decay';
import { tablesOf } from './tables';

type Sizes = {
  readonly n: number;
  readonly G: number;
  readonly D: number;
  readonly e: number;
  readonly p: number;
  readonly gated: number;
  readonly vector: number;
  readonly width: number;
  readonly index: Floats;
};

/**
 * Grid [e, D, B·chunks·G]: the state before chunk c + `after`, from the one before the first. A decay of 0 forgets even what
 * is not finite.
 */
function stateBefore(
  this: Thread<Sizes & { chunks: number; after: number; begun: number }>,
  delta: Floats,
  first: Floats,
  decays: Floats,
): number {
  const chunkOf = Math.floor((this.thread.z + 0.5) / this.constants.G);
  const g = this.thread.z - chunkOf * this.constants.G;
  const b = Math.floor((chunkOf + 0.5) / this.constants.chunks);
  const end = chunkOf - b * this.constants.chunks + this.constants.after;
  const cell = this.thread.y * this.constants.e + this.thread.x;
  let state = 0;
  if (this.constants.begun > 0) {
    state = first[(b * this.constants.G + g) * this.constants.D * this.constants.e + cell]!;
  }
  for (let c = 0; c < end; c++) {
    const at = (b * this.constants.n + c) * this.constants.G + g;
    let decay = 1;
    if (this.constants.vector > 0) {
      for (let r = 0; r < this.constants.p; r++) {
        decay *= decays[at * this.constants.width + this.constants.index[this.thread.y * this.constants.p + r]!]!;
      }
    } else if (this.constants.gated > 0) {
      decay = decays[at]!;
    }
    const added = delta[at * this.constants.D * this.constants.e + cell]!;
    if (decay > 0) state = decay * state + added;
    else state = added;
  }
  return state;
}

/** Grid [e, D, B·chunks·G]: the gradient of the state after chunk c + `from`, from that of the last. */
function gradientAfter(
  this: Thread<Sizes & { chunks: number; from: number; begun: number }>,
  dState: Floats,
  dLast: Floats,
  decays: Floats,
): number {
  const chunkOf = Math.floor((this.thread.z + 0.5) / this.constants.G);
  const g = this.thread.z - chunkOf * this.constants.G;
  const b = Math.floor((chunkOf + 0.5) / this.constants.chunks);
  const rounds = this.constants.n - 1 - (chunkOf - b * this.constants.chunks + this.constants.from);
  const cell = this.thread.y * this.constants.e + this.thread.x;
  let gradient = 0;
  if (this.constants.begun > 0) {
    gradient = dLast[(b * this.constants.G + g) * this.constants.D * this.constants.e + cell]!;
  }
  for (let i = 0; i < rounds; i++) {
    const at = (b * this.constants.n + this.constants.n - 1 - i) * this.constants.G + g;
    let decay = 1;
    if (this.constants.vector > 0) {
      for (let r = 0; r < this.constants.p; r++) {
        decay *= decays[at * this.constants.width + this.constants.index[this.thread.y * this.constants.p + r]!]!;
      }
    } else if (this.constants.gated > 0) {
      decay = decays[at]!;
    }
    const own = dState[at * this.constants.D * this.constants.e + cell]!;
    if (decay > 0) gradient = decay * gradient + own;
    else gradient = own;
  }
  return gradient;
}

/** Grid [D, G, B·n]: the gradient of a row's decay, times the decay. */
function alongRow(this: Thread<Sizes>, S: Floats, Z: Floats, dDeltaS: Floats, dDeltaZ: Floats, decays: Floats): number {
  const at = this.thread.z * this.constants.G + this.thread.y;
  let decay = 1;
  if (this.constants.vector > 0) {
    for (let r = 0; r < this.constants.p; r++) {
      decay *= decays[at * this.constants.width + this.constants.index[this.thread.x * this.constants.p + r]!]!;
    }
  } else {
    decay = decays[at]!;
  }
  if (decay <= 0) return 0;
  const row = at * this.constants.D + this.thread.x;
  let along = dDeltaZ[row]! * Z[row]!;
  for (let j = 0; j < this.constants.e; j++) {
    along += dDeltaS[row * this.constants.e + j]! * S[row * this.constants.e + j]!;
  }
  return decay * along;
}

/** Grid [width, G, B·T]: 0 but for the last token of a chunk. */
function gateGradient(
  this: Thread<{
    T: number;
    G: number;
    D: number;
    n: number;
    chunk: number;
    vector: number;
    E: number;
    entry: Floats;
    count: Floats;
  }>,
  along: Floats,
): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.T);
  const t = this.thread.z - b * this.constants.T;
  const c = Math.floor((t + 0.5) / this.constants.chunk);
  const last = Math.min((c + 1) * this.constants.chunk, this.constants.T) - 1;
  if (t < last) return 0;
  const at = ((b * this.constants.n + c) * this.constants.G + this.thread.y) * this.constants.D;
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

function sizesOf(S: Tensor, gates: Gates, power: number) {
  const [B, n, G, D, e] = S.shape as [number, number, number, number, number];
  const { gated, vector, width } = gates;
  const index = vector ? tablesOf(width, power).index : new Float32Array(1);
  return { B, sizes: { n, G, D, e, p: power, gated, vector, width, index } };
}

export function discountedSum(machine: Machine): Pick<Kernels, 'discountedSum' | 'discountedSumBackward'> {
  const { none } = machine;
  return {
    discountedSum: ({ deltaS, deltaZ, gates: sums, power, chunk, length, S0, Z0, S, Z, SLast, ZLast }) => {
      const gates = gatesOf(machine, sums, power);
      const { B, sizes } = sizesOf(S, gates, power);
      const { n, G, D, e } = sizes;
      const decays = chunkDecays(machine, gates, B, length, G, chunk);
      const begun = S0 ? 1 : 0;
      const run = (y: Tensor, delta: Tensor, first: Operand, columns: number, chunks: number, after: number) =>
        machine.write(
          y,
          stateBefore,
          [columns, D, B * chunks * G],
          { chunks, after, begun, ...sizes, e: columns },
          delta,
          first,
          decays,
        );
      run(S, deltaS, S0 ?? none, e, n, 0);
      run(Z, deltaZ, Z0 ?? none, 1, n, 0);
      run(SLast, deltaS, S0 ?? none, e, 1, n);
      run(ZLast, deltaZ, Z0 ?? none, 1, 1, n);
    },
    discountedSumBackward: (args) => {
      const { gates: sums, power, chunk, length, S, Z, dS, dZ, dSLast, dZLast, dDeltaS, dDeltaZ, dS0, dZ0, dA } = args;
      const gates = gatesOf(machine, sums, power);
      const { B, sizes } = sizesOf(S, gates, power);
      const { n, G, D, e } = sizes;
      const decays = chunkDecays(machine, gates, B, length, G, chunk);
      const run = (y: Tensor, d: Tensor, last: Tensor | undefined, columns: number, chunks: number, from: number) =>
        machine.write(
          y,
          gradientAfter,
          [columns, D, B * chunks * G],
          { chunks, from, begun: last ? 1 : 0, ...sizes, e: columns },
          d,
          last ?? none,
          decays,
        );
      run(dDeltaS, dS, dSLast, e, n, 0);
      run(dDeltaZ, dZ, dZLast, 1, n, 0);
      if (dS0) run(dS0, dS, dSLast, e, 1, -1);
      if (dZ0) run(dZ0, dZ, dZLast, 1, 1, -1);
      if (!dA || !gates.gated) return;
      const along = machine.temporary(alongRow, [D, G, B * n], sizes, S, Z, dDeltaS, dDeltaZ, decays);
      const { width, vector } = gates;
      const { E, entry, count } = vector
        ? tablesOf(width, power)
        : { E: 1, entry: new Float32Array(1), count: new Float32Array(1) };
      const constants = { T: length, G, D, n, chunk, vector, E, entry, count };
      machine.write(dA, gateGradient, [width, G, B * length], constants, along);
    },
  };
}
