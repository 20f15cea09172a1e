/** What each chunk adds to the state: ΔS = φ(K̂)ᵀV and ΔZ = φ(K̂)ᵀ1, with K̂ decayed to the chunk's end; specification §7.1. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Thread } from '../program';
import { decayedKeys, gatesOf } from './decay';
import { tablesOf } from './tables';

type Sizes = {
  readonly T: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  readonly D: number;
  readonly n: number;
  readonly chunk: number;
  readonly p: number;
};
interface Forward extends Sizes {
  readonly index: Floats;
  readonly weight: Floats;
}
interface Backward extends Sizes {
  readonly E: number;
  readonly part: Floats;
  readonly entry: Floats;
  readonly slope: Floats;
}

/** Grid [e, D, B·n·G]. */
function addedS(this: Thread<Forward>, k: Floats, v: Floats): number {
  const chunkOf = Math.floor((this.thread.z + 0.5) / this.constants.G);
  const g = this.thread.z - chunkOf * this.constants.G;
  const b = Math.floor((chunkOf + 0.5) / this.constants.n);
  const begin = (chunkOf - b * this.constants.n) * this.constants.chunk;
  const end = Math.min(begin + this.constants.chunk, this.constants.T);
  let sum = 0;
  if (this.constants.p === 2) {
    const first = this.constants.index[this.thread.y * 2]!;
    const second = this.constants.index[this.thread.y * 2 + 1]!;
    for (let t = begin; t < end; t++) {
      const token = (b * this.constants.T + t) * this.constants.G + g;
      const phi = k[token * this.constants.d + first]! * k[token * this.constants.d + second]!;
      if (phi !== 0) sum += phi * v[token * this.constants.e + this.thread.x]!;
    }
    return this.constants.weight[this.thread.y]! * sum;
  }
  for (let t = begin; t < end; t++) {
    const token = (b * this.constants.T + t) * this.constants.G + g;
    let phi = 1;
    for (let r = 0; r < this.constants.p; r++) {
      phi *= k[token * this.constants.d + this.constants.index[this.thread.y * this.constants.p + r]!]!;
    }
    if (phi !== 0) sum += phi * v[token * this.constants.e + this.thread.x]!;
  }
  return this.constants.weight[this.thread.y]! * sum;
}

/** Grid [D, G, B·n]. */
function addedZ(this: Thread<Forward>, k: Floats): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.n);
  const begin = (this.thread.z - b * this.constants.n) * this.constants.chunk;
  const end = Math.min(begin + this.constants.chunk, this.constants.T);
  let sum = 0;
  for (let t = begin; t < end; t++) {
    const token = (b * this.constants.T + t) * this.constants.G + this.thread.y;
    let phi = 1;
    for (let r = 0; r < this.constants.p; r++) {
      phi *= k[token * this.constants.d + this.constants.index[this.thread.x * this.constants.p + r]!]!;
    }
    sum += phi;
  }
  return this.constants.weight[this.thread.x]! * sum;
}

/** Grid [e, G, B·T]. */
function valueGradient(this: Thread<Forward>, k: Floats, dS: Floats): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.T);
  const c = Math.floor((this.thread.z - b * this.constants.T + 0.5) / this.constants.chunk);
  const state = ((b * this.constants.n + c) * this.constants.G + this.thread.y) * this.constants.D;
  const token = this.thread.z * this.constants.G + this.thread.y;
  let sum = 0;
  if (this.constants.p === 2) {
    let row = state;
    for (let i = 0; i < this.constants.d; i++) {
      const own = k[token * this.constants.d + i]!;
      let cross = 0;
      let at = row;
      for (let j = i + 1; j < this.constants.d; j++) {
        at += 1;
        cross += k[token * this.constants.d + j]! * dS[at * this.constants.e + this.thread.x]!;
      }
      if (own !== 0) sum += own * (own * dS[row * this.constants.e + this.thread.x]! + 1.4142135623730951 * cross);
      row += this.constants.d - i;
    }
    return sum;
  }
  for (let row = 0; row < this.constants.D; row++) {
    let phi = this.constants.weight[row]!;
    for (let r = 0; r < this.constants.p; r++) {
      phi *= k[token * this.constants.d + this.constants.index[row * this.constants.p + r]!]!;
    }
    if (phi !== 0) sum += phi * dS[(state + row) * this.constants.e + this.thread.x]!;
  }
  return sum;
}

/** Grid [d, G, B·T]: of K̂. */
function keyGradient(this: Thread<Backward>, k: Floats, v: Floats, dS: Floats, dZ: Floats): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.T);
  const c = Math.floor((this.thread.z - b * this.constants.T + 0.5) / this.constants.chunk);
  const state = ((b * this.constants.n + c) * this.constants.G + this.thread.y) * this.constants.D;
  const token = this.thread.z * this.constants.G + this.thread.y;
  let sum = 0;
  for (let j = 0; j < this.constants.E; j++) {
    const at = this.thread.x * this.constants.E + j;
    const row = state + this.constants.entry[at]!;
    let along = dZ[row]!;
    for (let i = 0; i < this.constants.e; i++) {
      along += dS[row * this.constants.e + i]! * v[token * this.constants.e + i]!;
    }
    along *= this.constants.slope[at]!;
    for (let r = 0; r < this.constants.p - 1; r++) {
      along *= k[token * this.constants.d + this.constants.part[j * (this.constants.p - 1) + r]!]!;
    }
    sum += along;
  }
  return sum;
}

type Heads = {
  readonly T: number;
  readonly G: number;
  readonly d: number;
  readonly chunk: number;
  readonly width: number;
  readonly vector: number;
  readonly root: number;
  readonly plane: number;
};

/** Grid [d, G, B·T]: of k, from that of K̂. */
function undecayed(this: Thread<Heads>, dHat: Floats, A: Floats, start: Floats): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.T);
  const t = this.thread.z - b * this.constants.T;
  const begin = Math.floor((t + 0.5) / this.constants.chunk) * this.constants.chunk;
  const last = Math.min(begin + this.constants.chunk, this.constants.T) - 1;
  const i = this.constants.vector * this.thread.x;
  const own = ((b * this.constants.T + t) * this.constants.G + this.thread.y) * this.constants.width + i;
  const end = ((b * this.constants.T + last) * this.constants.G + this.thread.y) * this.constants.width + i;
  if (t < start[end]!) return 0;
  const gap = A[end]! - A[own]! + (A[this.constants.plane + end]! - A[this.constants.plane + own]!);
  const kept = Math.exp(gap * this.constants.root);
  if (kept === 0) return 0;
  return dHat[(this.thread.z * this.constants.G + this.thread.y) * this.constants.d + this.thread.x]! * kept;
}

/**
 * Grid [width, G, B·T]: a key decays by A_last − A_j, so what it says about one end it says about the other with the sign
 * turned.
 */
function gateGradient(this: Thread<Heads>, k: Floats, dk: Floats): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.T);
  const t = this.thread.z - b * this.constants.T;
  const begin = Math.floor((t + 0.5) / this.constants.chunk) * this.constants.chunk;
  const last = Math.min(begin + this.constants.chunk, this.constants.T) - 1;
  let from = t;
  if (t === last) from = begin;
  let sum = 0;
  for (let j = from; j <= t; j++) {
    const token = ((b * this.constants.T + j) * this.constants.G + this.thread.y) * this.constants.d;
    let own = 0;
    if (this.constants.vector > 0) {
      if (dk[token + this.thread.x]! !== 0) own = k[token + this.thread.x]! * dk[token + this.thread.x]!;
    } else {
      for (let i = 0; i < this.constants.d; i++) {
        if (dk[token + i]! !== 0) own += k[token + i]! * dk[token + i]!;
      }
    }
    if (t < last) sum -= own;
    if (t === last && j < t) sum += own;
  }
  return sum * this.constants.root;
}

export function updateState(machine: Machine): Pick<Kernels, 'updateState' | 'updateStateBackward'> {
  return {
    updateState: ({ k, v, gates: sums, power, chunk, deltaS, deltaZ }) => {
      const [B, T, G, d] = k.shape as [number, number, number, number];
      const [, n, , D, e] = deltaS.shape as [number, number, number, number, number];
      const { index, weight } = tablesOf(d, power);
      const constants = { T, G, d, e, D, n, chunk, p: power, index, weight };
      const hat = decayedKeys(machine, k, gatesOf(machine, sums, power), chunk);
      machine.write(deltaS, addedS, [e, D, B * n * G], constants, hat, v);
      machine.write(deltaZ, addedZ, [D, G, B * n], constants, hat);
    },
    updateStateBackward: ({ k, v, gates: sums, power, chunk, dDeltaS, dDeltaZ, dk, dv, dA }) => {
      const [B, T, G, d] = k.shape as [number, number, number, number];
      const [, n, , D, e] = dDeltaS.shape as [number, number, number, number, number];
      const { E, index, weight, part, entry, slope } = tablesOf(d, power);
      const sizes = { T, G, d, e, D, n, chunk, p: power };
      const gates = gatesOf(machine, sums, power);
      const hat = decayedKeys(machine, k, gates, chunk);
      machine.write(dv, valueGradient, [e, G, B * T], { index, weight, ...sizes }, hat, dDeltaS);
      const table = { E, part, entry, slope, ...sizes };
      if (!gates.gated) return machine.write(dk, keyGradient, [d, G, B * T], table, hat, v, dDeltaS, dDeltaZ);
      const dHat = machine.temporary(keyGradient, [d, G, B * T], table, hat, v, dDeltaS, dDeltaZ);
      const { width, vector, root, plane } = gates;
      const heads = { T, G, d, chunk, width, vector, root, plane };
      machine.write(dk, undecayed, [d, G, B * T], heads, dHat, gates.A, gates.start);
      if (dA) machine.write(dA, gateGradient, [width, G, B * T], heads, k, dk);
    },
  };
}
