/** What each chunk adds to the state, ΔS = φ(K̂)ᵀV and ΔZ = φ(K̂)ᵀ1, with K̂ decayed to the chunk's end. */

import type { GateSums, Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';
import { decayOf } from './decay';
import { chunksOf, featureGradient, featureQuery, featureSum, type Chunks } from './featureProducts';
import { unscale } from './unscale';

type UpdateState = Pick<Kernels, 'updateState' | 'updateStateBackward'>;

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
    params: { size, heads: G, d, ...chunks, ...decay.params },
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
      const sum = (x: Tensor) => featureSum(machine, { chunks, power, d, x, v, heads: G, gates, S: deltaS, Z: deltaZ });
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
    updateStateBackward({ k, v, gates, power, chunk, dDeltaS, dDeltaZ, dk, dv, dA }) {
      const [B, T, G, d] = k.shape as [number, number, number, number];
      if (dk.size === 0) return;
      const chunks = chunksOf(T, chunk, d);
      const states = B * chunks.chunks * G;
      const { backend } = dk;
      backend.scope(() => {
        const [transposed, gradient] = [0, 1].map(() => backend.empty([states, 4 * chunks.vectors, chunks.padded]));
        scaleKeys(machine, { chunks, power, k, gates, transposed });
        const [x, dx] = [transposed!, gradient!];
        featureQuery(machine, { chunks, power, d, x, heads: G, gates, S: dDeltaS, y: dv });
        featureGradient(machine, { chunks, power, d, x, dx, heads: G, values: v, S: dDeltaS, Z: dDeltaZ });
        unscale(machine, { chunks, power, d, heads: G, G, gates, x: k, gradient: dx, dx: dk, dA });
        if (!dA) return;
        const { width } = decayOf(gates, power);
        machine.launch('gate_ends', {
          tensors: { dA },
          params: { heads: G, width, ...chunks },
          groups: states * width,
        });
      });
    },
  };
}
