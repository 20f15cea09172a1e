/**
 * The three products that the chunked form is made of, each with φ made on the fly: states from tokens, answers from states, and
 * the gradient of what was embedded. Nothing of the size of φ of all tokens is ever stored.
 */

import type { GateSums, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { featuresOf } from './features';
import { matrixStateTileFor, stateTileFor, type StateTile } from './stateTile';

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
  /** Tokens that the last one of their chunk does not see are left out. */
  readonly gates?: GateSums | undefined;
  readonly S: Tensor;
  readonly Z: Tensor;
}

/** What a shader that imports `chunk_start.wgsl` is launched with. */
function chunkStart(gates: GateSums | undefined) {
  const start = gates?.start;
  return { tensors: { start }, params: { gate_width: start?.shape.length === 4 ? start.shape[3]! : 1 } };
}

/** S = φ(x)ᵀ(scale·V), Z = φ(x)ᵀweight for every chunk. */
export function featureSum(
  machine: Machine,
  { chunks, power, d, x, v, heads, scale, weight, gates, S, Z }: FeatureSum,
): void {
  const [B, , G, D, e] = S.shape as [number, number, number, number, number];
  const features = featuresOf(machine, d, power);
  const copies = B * chunks.chunks * G;
  const m = 4 * features.quads;
  const tile = matrixStateTileFor(machine, m, e) ?? stateTileFor(machine, { m, n: e, copies });
  machine.launch('feature_sum', {
    imports: { tile: tile.file },
    flags: [...(e % 4 === 0 ? ['wide'] : []), ...tile.flags],
    constants: { a_along_k: false, ...tile.constants, ...features.constants },
    tensors: { table: features.table, x, v, scale, weight, ...chunkStart(gates).tensors, S, Z },
    params: {
      heads,
      shared_by: heads / G,
      rows: D,
      columns: e,
      quads: features.quads,
      ...chunks,
      ...chunkStart(gates).params,
    },
    groups: Math.ceil((4 * features.quads) / tile.m) * Math.ceil(e / tile.n) * copies,
  });
}

interface FeatureQuery {
  readonly chunks: Chunks;
  readonly power: number;
  readonly d: number;
  /** [B, n, heads, 4·vectors, padded tokens] */
  readonly x: Tensor;
  readonly heads: number;
  readonly S: Tensor;
  /** Answers of tokens that the last one of their chunk does not see are 0. */
  readonly gates?: GateSums | undefined;
  readonly y: Tensor;
  /** Attention inside the chunks, to be joined with the answer. */
  readonly inside?: {
    readonly Z: Tensor;
    readonly num: Tensor;
    readonly terms: Tensor;
    readonly total: Tensor;
    readonly normalized: number;
  };
}

/** y = φ(x)ᵀS for every token and head, with the state of its chunk. */
export function featureQuery(
  machine: Machine,
  { chunks, power, d, x, heads, S, gates, y, inside }: FeatureQuery,
): void {
  const [B, , G, D, e] = S.shape as [number, number, number, number, number];
  const features = featuresOf(machine, d, power);
  const copies = B * chunks.chunks * heads;
  const m = chunks.chunk;
  const extraBytes = ({ m, threads }: StateTile) => (inside ? 16 * threads + 8 * m : 0);
  const tile = matrixStateTileFor(machine, m, e) ?? stateTileFor(machine, { m, n: e, copies, extraBytes });
  const { normalized = 0, ...tensors } = inside ?? {};
  machine.launch('feature_query', {
    imports: { tile: tile.file },
    flags: [...(e % 4 === 0 ? ['wide'] : []), ...tile.flags],
    constants: { a_along_k: false, bounded: tile.file === 'matrix_tile', ...tile.constants, ...features.constants },
    tensors: { table: features.table, x, S, y, ...chunkStart(gates).tensors, ...tensors },
    params: {
      heads,
      shared_by: heads / G,
      rows: D,
      columns: e,
      quads: features.quads,
      normalized,
      ...chunks,
      ...chunkStart(gates).params,
    },
    groups: Math.ceil(chunks.chunk / tile.m) * Math.ceil(e / tile.n) * copies,
  });
}

interface FeatureGradient {
  readonly chunks: Chunks;
  readonly power: number;
  readonly d: number;
  /** [B, n, heads, 4·vectors, padded tokens], and its gradient. */
  readonly x: Tensor;
  readonly dx: Tensor;
  readonly heads: number;
  /** [B, T, heads, e] */
  readonly values: Tensor;
  readonly scale?: Tensor;
  readonly weight?: Tensor;
  readonly S: Tensor;
  readonly Z: Tensor;
}

/** dx from dφ(x) = scale·values·Sᵀ + weight·Z. */
export function featureGradient(
  machine: Machine,
  { chunks, power, d, x, dx, heads, values, scale, weight, S, Z }: FeatureGradient,
): void {
  const [B, , G, D, e] = S.shape as [number, number, number, number, number];
  const features = featuresOf(machine, d, power);
  const copies = B * chunks.chunks * heads;
  // A square tile: features are many.
  const tile = stateTileFor(machine, {
    m: chunks.chunk,
    n: 4 * features.quads,
    copies,
    extraBytes: ({ m, n, constants: { quads = 1 } }) => (4 * n * (m + 1)) / Number(quads) + 8 * n + 4 * m,
  });
  const pairs = power === 2;
  const width = 4 * chunks.vectors;
  const flags = e % 4 === 0 ? ['wide'] : [];
  const params = { heads, shared_by: heads / G, rows: D, columns: e, quads: features.quads, ...chunks };
  const onMatrixUnits = pairs && matrixStateTileFor(machine, chunks.chunk, width);
  if (onMatrixUnits) {
    const { file, m, n, constants } = onMatrixUnits;
    machine.launch('pair_gradient', {
      imports: { tile: file },
      flags: [...flags, ...onMatrixUnits.flags],
      constants: {
        d,
        width,
        span: 4 * Math.ceil(e / 4),
        a_along_k: true,
        b_along_k: true,
        bounded: true,
        ...constants,
      },
      tensors: { x, dx, values, scale, weight, S, Z },
      params,
      groups: Math.ceil(chunks.chunk / m) * Math.ceil(width / n) * copies,
    });
    return;
  }
  machine.launch('feature_gradient', {
    imports: { tile: tile.file, jacobian: pairs ? 'jacobian_pairs' : 'jacobian_any' },
    flags,
    constants: {
      parts: tile.constants.quads ?? 1,
      a_along_k: true,
      b_along_k: true,
      width,
      ...tile.constants,
      ...(pairs ? { d, block_rows: tile.n / 8 } : features.constants),
    },
    tensors: { table: pairs ? undefined : features.table, x, dx, values, scale, weight, S, Z },
    params,
    groups: Math.ceil(chunks.chunk / tile.m) * copies,
  });
}
