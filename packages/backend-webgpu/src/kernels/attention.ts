/** Launches of the attention that softmax and powers share: blocks of queries, blocks of keys, and what both read beside them. */

import type { GateSums, Tensor } from '@sympow/kernels';
import type { Products } from '../api';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';

/** q, k and v, and what the score needs to know. */
export interface Attention {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly gates?: GateSums | undefined;
  /** Tokens that see each other; T or more for all. */
  readonly chunk: number;
  /** [B] int32: keys before each row's first query; S − T where absent. */
  readonly offset?: Tensor | undefined;
  /** Keys that a query sees at most; all where absent. */
  readonly window?: number | undefined;
  /** The file for the slot `score`, and its constants. */
  readonly score: string;
  readonly constants?: Readonly<Record<string, number>>;
}

export function sizesOf({ q, k, v }: Pick<Attention, 'q' | 'k' | 'v'>) {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const [, S, G] = k.shape as [number, number, number, number];
  return { B, T, S, H, G, d, e: v.shape[3]! };
}

interface Block {
  /** The file for the slot `attention_tile`, where it is not that. */
  readonly file?: string;
  readonly constants?: Readonly<Record<string, number | boolean>>;
  readonly side: number;
  /** Fours of rows of a thread. */
  readonly quads: number;
  /** Steps of a product between two barriers. */
  readonly depth: number;
}

interface MatrixBlock extends Block {
  readonly bytes: number;
}

/** Bytes of workgroup memory that gates and what else is there for each row take. */
const bytesBeside = (side: number): number => 40 * side + 64;

/** Bytes that a tile on lanes and the gates beside it take. */
function bytesOf({ side, depth }: Block): number {
  const pitch = side / 4 + 1;
  return 16 * pitch * (side + 2 * depth) + bytesBeside(side);
}

const large: readonly Block[] = [
  { side: 64, quads: 2, depth: 32 },
  { side: 64, quads: 2, depth: 16 },
];
const small: Block = { side: 32, quads: 1, depth: 16 };
/** For adapters that compute on the CPU. */
const lean: Block = { ...small, file: 'attention_lean' };

/** Numbers that keep the rows of matrices off each other's banks, of halves and of float32. */
const padding = { halves: 8, floats: 4 };

/** On matrix units, with one half of each operand or with two; results go to lanes in as many turns as there are stages. */
function ofMatrices(split: boolean, stages: number): MatrixBlock {
  const side = 64;
  const panels = split ? 2 : 1;
  const constants = {
    ...{ split, panels, stages, loads: 4 },
    ...{ subgroups: 8, subgroups_n: 2, matrices_m: 1, matrices_n: 2 },
  };
  const halves = 2 * panels * side * (side + padding.halves);
  const floats = (side / stages) * (side + padding.floats);
  const bytes = 2 * halves + 4 * floats + bytesBeside(side);
  return { file: 'attention_matrices', constants, side, quads: 1, depth: 64, bytes };
}

/** They take 37.6 KiB or, with results in two turns, 29.1, and with two halves 47.1. */
const matrixBlocks: Readonly<Record<Exclude<Products, 'float32'>, readonly MatrixBlock[]>> = {
  float16: [ofMatrices(false, 1), ofMatrices(false, 2)],
  split: [ofMatrices(true, 2)],
};

/** `longest` is the most rows that a block could have. */
function blockFor({ facts, products }: Machine, longest: number, vectorGates: boolean): Block {
  const { maxComputeWorkgroupStorageSize: bytes, maxComputeInvocationsPerWorkgroup: threads } = facts.limits;
  if (products !== 'float32' && !vectorGates && longest > small.side) {
    const block = matrixBlocks[products].find((each) => each.bytes <= bytes!);
    if (block) return block;
  }
  if (facts.software) return lean;
  if (longest <= small.side) return small;
  return large.find((block) => bytesOf(block) <= bytes! && (block.side / 4) ** 2 / block.quads <= threads!) ?? small;
}

/** Most blocks of columns whose sums a thread can keep in registers. */
const mostTiles = 2;

interface Work {
  /** The shader. */
  readonly name: string;
  /** Rows that are divided into blocks, how many to a chunk, and heads that have rows of their own. */
  readonly rows: number;
  readonly heads: number;
  /** Widest row of the results. */
  readonly width: number;
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
}

/** Launches one of the three passes. */
export function attend(machine: Machine, attention: Attention, work: Work): void {
  const { q, k, v, gates, chunk, offset, window = Infinity, score, constants } = attention;
  const { B, T, S, H, G, d, e } = sizesOf(attention);
  const { name, rows, heads, width, tensors } = work;
  if (rows === 0) return;
  const inChunk = Math.min(chunk, rows);
  const block = blockFor(machine, Math.min(inChunk, Math.max(T, S)), gateFlags(attention).includes('vector_gates'));
  const { side, quads, depth } = block;
  const threads = (side / 4) ** 2 / quads;
  // Another tile is more code to compile.
  const tiles = machine.facts.software ? 1 : Math.min(mostTiles, Math.ceil(width / side));
  const splits = Math.ceil(width / (tiles * side));
  const chunks = Math.ceil(rows / inChunk);
  const blocks = Math.ceil(inChunk / side);
  const flags = [
    ...(d % 4 === 0 && e % 4 === 0 ? ['wide'] : []),
    ...(offset ? ['offsets'] : []),
    ...gateFlags(attention),
  ];
  machine.launch(name, {
    imports: { score, ...(block.file && { attention_tile: block.file }) },
    flags,
    constants: {
      block: side,
      depth,
      quads,
      rows: 4 * quads,
      row_loads: Math.ceil(((side / 4) * (depth / 4) * 2) / threads),
      value_loads: Math.ceil(((side / 4) * depth) / threads),
      tiles,
      ...constants,
      ...block.constants,
    },
    tensors: { q, k, v, ...tensors },
    params: {
      queries: T,
      keys: S,
      heads: H,
      key_heads: G,
      d,
      e,
      chunk: inChunk,
      chunks,
      blocks,
      splits,
      gates_at: gatesAt(attention, tensors),
      offsets_at: gatesAt(attention, tensors) + 2 * (gates?.start.size ?? 0),
      window: Math.min(S, window),
      gate_width: gates?.start.shape[3] ?? 1,
      scale: 1 / Math.sqrt(d),
    },
    groups: B * heads * chunks * blocks * splits,
  });
}

/**
 * How gates are used: `scalar_gates` beside the products of a score, `vector_gates` in them, by dimension. Powers see nothing where
 * all dimensions do not (`hiding_gates`); a softmax sees a score of 0, and may have a gate of each sort.
 */
function gateFlags({ gates, score, q }: Attention): string[] {
  const width = gates?.start.shape[3];
  if (!gates) return [];
  if (width === undefined) return ['gates', 'scalar_gates'];
  if (score === 'power_score') return ['gates', 'vector_gates', 'hiding_gates'];
  return ['gates', 'vector_gates', ...(width > q.shape[3]! ? ['scalar_gates'] : [])];
}

/** Pairs of numbers before the gates: one for each query row in the backward pass. */
function gatesAt({ q }: Attention, tensors: Work['tensors']): number {
  return tensors.dy ? q.size / (q.shape[3] || 1) : 0;
}

/**
 * Work space that the passes read: two numbers per query row, which the caller writes, the gates, and where rows begin. One
 * tensor, so that no pass needs more than eight.
 */
export function prepare(machine: Machine, { q, k, gates, offset }: Attention, rows: number): Tensor | undefined {
  const size = gates ? gates.start.size : 0;
  const begins = offset ? offset.size : 0;
  if (rows + size + begins === 0) return undefined;
  const prepared = q.backend.empty([2 * rows + 4 * size + 2 * begins]);
  if (gates) {
    const { A, start } = gates;
    machine.launch('pack_gates', {
      tensors: { A, start, prepared },
      params: { size, at: rows },
      groups: groupsOf256(size),
    });
  }
  if (offset) {
    machine.launch('pack_offsets', {
      tensors: { offset, prepared },
      params: { size: begins, at: rows + 2 * size, most: k.shape[1]! - q.shape[1]! },
      groups: groupsOf256(begins),
    });
  }
  return prepared;
}
