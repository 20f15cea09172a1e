/** Back from gradients of what was embedded to those of the keys or queries themselves, and of their gates. */

import type { GateSums, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { decayOf } from './decay';
import type { Chunks } from './featureProducts';

/** Tokens of a workgroup. */
const tokens = 32;

interface Unscaling {
  readonly chunks: Chunks;
  readonly power: number;
  readonly d: number;
  readonly gates?: GateSums | undefined;
  /** Keys or queries, [B, T, heads, d], and their gradient. */
  readonly x: Tensor;
  readonly dx: Tensor;
  /** How queries were scaled. Absent: these are keys. */
  readonly terms?: Tensor;
  /** [B, n, heads, 4·vectors, padded tokens] */
  readonly gradient: Tensor;
  readonly dA?: Tensor | undefined;
  /** Heads, and those that have a state and gates. */
  readonly heads: number;
  readonly G: number;
}

export function unscale(machine: Machine, { chunks, power, d, gates, heads, G, ...tensors }: Unscaling): void {
  const decay = decayOf(gates, power);
  const states = tensors.x.shape[0]! * chunks.chunks * G;
  machine.launch('unscale', {
    constants: decay.constants,
    tensors: { ...decay.tensors, ...tensors },
    params: { heads, shared_by: heads / G, d, root: 1 / Math.sqrt(d), ...chunks, ...decay.params },
    groups: states * Math.ceil(chunks.padded / tokens),
  });
}
