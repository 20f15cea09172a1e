/**
 * Gates as the programs read them: A in two planes, the latest reset of every token, and how wide a gate is.
 *
 * With scalar gates (`width` 1) a score carries the p-th root of the decay, with vector gates each dimension its own; so a
 * decay is e^{(A_i − A_j)·root}, with root 1/p or 1.
 */

import type { GateSums, Tensor } from '@sympow/kernels';
import type { Machine, Operand } from '../machine';
import type { Floats, Sized } from '../program';
import type { Storage } from '../storage';

export interface Gates {
  readonly A: Operand;
  readonly start: Operand;
  /** 1 with gates, 0 without. */
  readonly gated: number;
  /** 1, or d for vector gates; 1 without gates. */
  readonly width: number;
  /** 1 for vector gates, else 0. */
  readonly vector: number;
  readonly root: number;
  /** Elements of one plane of A. */
  readonly plane: number;
}

export function gatesOf(machine: Machine, gates: GateSums | undefined, power: number): Gates {
  const { none } = machine;
  if (!gates) return { A: none, start: none, gated: 0, width: 1, vector: 0, root: 1, plane: 1 };
  const { A, start } = gates;
  const vector = start.shape.length === 4;
  const width = vector ? start.shape[3]! : 1;
  return { A, start, gated: 1, width, vector: vector ? 1 : 0, root: vector ? 1 : 1 / power, plane: start.size };
}

type Heads = Sized<'T' | 'G' | 'd' | 'chunk' | 'width' | 'vector' | 'root' | 'plane'>;

/** Grid [d, G, B·T]: keys decayed to the last token of their chunk, 0 where it does not see them. */
function keysAtEnd(this: Heads, k: Floats, A: Floats, start: Floats): number {
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
  return k[(this.thread.z * this.constants.G + this.thread.y) * this.constants.d + this.thread.x]! * kept;
}

/** K̂ of `updateState`; the keys themselves without gates. */
export function decayedKeys(machine: Machine, k: Tensor, gates: Gates, chunk: number): Tensor | Storage {
  if (!gates.gated) return k;
  const [B, T, G, d] = k.shape as [number, number, number, number];
  const { width, vector, root, plane } = gates;
  const constants = { T, G, d, chunk, width, vector, root, plane };
  return machine.temporary(keysAtEnd, [d, G, B * T], constants, k, gates.A, gates.start);
}

/** Grid [width, G, B·n]: what is left of a state after a whole chunk. */
function wholeChunk(this: Sized<'T' | 'G' | 'n' | 'chunk' | 'width' | 'plane'>, A: Floats, start: Floats): number {
  const b = Math.floor((this.thread.z + 0.5) / this.constants.n);
  const begin = (this.thread.z - b * this.constants.n) * this.constants.chunk;
  const last = Math.min(begin + this.constants.chunk, this.constants.T) - 1;
  const at = ((b * this.constants.T + last) * this.constants.G + this.thread.y) * this.constants.width + this.thread.x;
  if (start[at]! >= begin) return 0;
  return Math.exp(A[at]! + A[this.constants.plane + at]!);
}

/** e^{A} of every chunk [B, n, G, width], unscaled. */
export function chunkDecays(machine: Machine, gates: Gates, B: number, T: number, G: number, chunk: number): Storage {
  if (!gates.gated) return machine.none;
  const n = Math.ceil(T / chunk);
  const { A, start, width, plane } = gates;
  return machine.temporary(wholeChunk, [width, G, B * n], { T, G, n, chunk, width, plane }, A, start);
}
