/** Joins what a chunk's own attention found with what the state before the chunk knows, and normalises. */

import type { GateSums, Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';
import { decayOf } from './decay';
import { chunksOf, featureGradient, featureQuery, featureSum, type Chunks } from './featureProducts';
import { unscale } from './unscale';

type QueryState = Pick<Kernels, 'queryState' | 'queryStateBackward'>;

interface Scaling {
  readonly chunks: Chunks;
  readonly power: number;
  readonly q: Tensor;
  /** Key/value heads. */
  readonly G: number;
  readonly gates?: GateSums | undefined;
  readonly rowMax: Tensor;
  readonly den?: Tensor;
  readonly natural?: Tensor;
  readonly transposed: Tensor;
  readonly terms: Tensor;
}

function scaleQueries(machine: Machine, { chunks, power, q, G, gates, ...rest }: Scaling): void {
  const [B, , H, d] = q.shape as [number, number, number, number];
  const decay = decayOf(gates, power);
  const { rowMax: row_max, den, natural, transposed, terms } = rest;
  const size = B * chunks.chunks * H * chunks.padded;
  machine.launch('scale_queries', {
    constants: decay.constants,
    tensors: { q, row_max, den, natural, transposed, terms, ...decay.tensors },
    params: { size, heads: H, shared_by: H / G, d, root: 1 / Math.sqrt(d), power, ...chunks, ...decay.params },
    groups: Math.ceil(size / 64),
  });
}

export function queryState(machine: Machine): QueryState {
  return {
    queryState({ q, gates, power, chunk, normalizer, S, Z, num, den, rowMax, y, total }) {
      if (y.size === 0) return;
      const [B, T, H, d] = q.shape as [number, number, number, number];
      const normalized = normalizer === 'sum' ? 1 : 0;
      if (!S || !Z) {
        machine.launch('query_alone', {
          tensors: { num, den, row_max: rowMax, y, total },
          params: { size: y.size, columns: y.shape[3]!, normalized, power },
          groups: groupsOf256(y.size),
        });
        return;
      }
      const chunks = chunksOf(T, chunk, d);
      const { backend } = y;
      backend.scope(() => {
        const transposed = backend.empty([B * chunks.chunks, H, 4 * chunks.vectors, chunks.padded]);
        const terms = backend.empty([B, T, H, 4]);
        scaleQueries(machine, { chunks, power, q, G: S.shape[2]!, gates, rowMax, den, transposed, terms });
        const inside = { Z, num, terms, total, normalized };
        featureQuery(machine, { chunks, power, d, x: transposed, heads: H, S, y, inside });
      });
    },
    queryStateBackward({ q, gates, power, chunk, normalizer, S, Z, rowMax, y, total, dy, dnum, dden, ...outputs }) {
      if (y.size === 0) return;
      const [B, T, H, d] = q.shape as [number, number, number, number];
      const rows = (history: { terms?: Tensor; scale?: Tensor; weight?: Tensor }) =>
        machine.launch('query_rows_backward', {
          tensors: { row_max: rowMax, y, total, dy, dnum, dden, ...history },
          params: { size: rowMax.size, columns: y.shape[3]!, normalized: normalizer === 'sum' ? 1 : 0, power },
          groups: Math.ceil(rowMax.size / 16),
        });
      const { dq, dS, dZ, dA } = outputs;
      if (!S || !Z || !dq || !dS || !dZ) {
        rows({});
        return;
      }
      const G = S.shape[2]!;
      const chunks = chunksOf(T, chunk, d);
      const { backend } = y;
      backend.scope(() => {
        const shape = [B * chunks.chunks, H, 4 * chunks.vectors, chunks.padded];
        const [x, dx] = [backend.empty(shape), backend.empty(shape)];
        const natural = backend.empty([B, T, H, 4 * chunks.vectors]);
        const terms = backend.empty([B, T, H, 4]);
        const [scale, weight] = [backend.empty([B, T, H]), backend.empty([B, T, H])];
        scaleQueries(machine, { chunks, power, q, G, gates, rowMax, natural, transposed: x, terms });
        rows({ terms, scale, weight });
        const shared = { chunks, power, d, heads: H, scale, weight };
        featureSum(machine, { x: natural, v: dy, S: dS, Z: dZ, ...shared });
        featureGradient(machine, { x, dx, values: dy, S, Z, ...shared });
        unscale(machine, { chunks, power, d, heads: H, G, gates, x: q, terms, gradient: dx, dx: dq, dA });
      });
    },
  };
}
