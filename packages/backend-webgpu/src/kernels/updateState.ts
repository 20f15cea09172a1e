/** What each chunk adds to the state, ΔS = φ(K̂)ᵀV and ΔZ = φ(K̂)ᵀ1, with K̂ decayed to the chunk's end. */

import type { GateSums, Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';
import { decayOf } from './decay';
import { featuresOf } from './features';
import { stateTileFor } from './stateTile';

type UpdateState = Pick<Kernels, 'updateState' | 'updateStateBackward'>;

/** How the tokens of a call divide into chunks, and its vectors into groups of four numbers. */
export interface Chunks {
  readonly length: number;
  readonly chunk: number;
  readonly chunks: number;
  /** Tokens of a chunk, as a multiple of 4. */
  readonly padded: number;
  /** Vectors of four that hold d numbers. */
  readonly vectors: number;
}

export function chunksOf(length: number, chunk: number, d: number): Chunks {
  const longest = Math.min(length, chunk);
  return {
    length,
    chunk: longest,
    chunks: Math.ceil(length / chunk),
    padded: 4 * Math.ceil(longest / 4),
    vectors: Math.ceil(d / 4),
  };
}

interface FeatureSum {
  readonly chunks: Chunks;
  readonly power: number;
  readonly d: number;
  /** [B, T, heads, vectors of four] */
  readonly x: Tensor;
  readonly v: Tensor;
  readonly heads: number;
  readonly scale?: Tensor;
  readonly weight?: Tensor;
  readonly S: Tensor;
  readonly Z: Tensor;
}

/** S = φ(x)ᵀ(scale·V), Z = φ(x)ᵀweight for every chunk. */
export function featureSum(
  machine: Machine,
  { chunks, power, d, x, v, heads, scale, weight, S, Z }: FeatureSum,
): void {
  const [B, , G, D, e] = S.shape as [number, number, number, number, number];
  const features = featuresOf(machine, d, power);
  const copies = B * chunks.chunks * G;
  const tile = stateTileFor(machine, { m: 4 * features.quads, n: e, copies });
  machine.launch('feature_sum', {
    imports: { tile: tile.file },
    flags: e % 4 === 0 ? ['wide'] : [],
    constants: { ...tile.constants, ...features.constants, a_along_k: false },
    tensors: { table: features.table, x, v, scale, weight, S, Z },
    params: { ...chunks, heads, shared_by: heads / G, rows: D, columns: e, quads: features.quads },
    groups: Math.ceil((4 * features.quads) / tile.m) * Math.ceil(e / tile.n) * copies,
  });
}

interface Scaling {
  readonly chunks: Chunks;
  readonly power: number;
  readonly k: Tensor;
  readonly gates?: GateSums | undefined;
  readonly natural?: Tensor;
  readonly transposed?: Tensor;
}

function scaleKeys(machine: Machine, { chunks, power, k, gates, natural, transposed }: Scaling): void {
  const [B, , G, d] = k.shape as [number, number, number, number];
  const decay = decayOf(gates, power);
  const size = B * chunks.chunks * G * chunks.vectors * chunks.padded;
  machine.launch('scale_keys', {
    constants: decay.constants,
    tensors: { k, natural, transposed, ...decay.tensors },
    params: { ...chunks, ...decay.params, size, heads: G, d },
    groups: groupsOf256(size),
  });
}

export function updateState(machine: Machine): UpdateState {
  return {
    updateState({ k, v, gates, power, chunk, deltaS, deltaZ }) {
      const [B, T, G, d] = k.shape as [number, number, number, number];
      if (deltaZ.size === 0) return;
      const chunks = chunksOf(T, chunk, d);
      const { backend } = deltaS;
      const sum = (x: Tensor) => featureSum(machine, { chunks, power, d, x, v, heads: G, S: deltaS, Z: deltaZ });
      if (!gates && d % 4 === 0) {
        sum(k);
        return;
      }
      backend.scope(() => {
        const natural = backend.empty([B * T * G, 4 * chunks.vectors]);
        scaleKeys(machine, { chunks, power, k, gates, natural });
        sum(natural);
      });
    },
  } as UpdateState;
}
