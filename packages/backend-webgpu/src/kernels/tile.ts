/** Which inner product a kernel computes with: the file for its slot `tile`, and the sizes of its tile. */

import type { Machine } from '../machine';

export interface Tile {
  readonly file: string;
  readonly m: number;
  readonly n: number;
  /** Steps of k in one slice. */
  readonly k: number;
  readonly constants: Readonly<Record<string, number | boolean>>;
}

/**
 * A square tile of `side`×`side` results, with `quads`² quads of 4×4 results per thread and slices of `k` steps. Slices are short
 * where a thread has many results: what it fetches ahead takes registers too.
 */
function square(side: number, quads: number, k = 16): Tile {
  const threads = (side / (4 * quads)) ** 2;
  const blocks = 2 * (side / 4) * (k / 4);
  const constants = {
    tile_m: side,
    tile_n: side,
    tile_k: k,
    quads,
    results: 4 * quads * quads,
    loads: Math.ceil(blocks / threads),
  };
  return { file: 'register_tile', m: side, n: side, k, constants };
}

/** A tile on matrix units, its subgroups in `across` columns, and slices as long as what is fetched ahead finds registers for. */
function ofMatrices(m: number, n: number, k: number, subgroups: number, across: number, paired = true): Tile {
  const constants = {
    ...{ tile_m: m, tile_n: n, tile_k: k, subgroups, subgroups_n: across },
    ...{ matrices_m: (m * across) / subgroups / 16, pairs_n: n / across / 32 },
    ...{ loads_a: (m * k) / 128 / subgroups, loads_b: (n * k) / 128 / subgroups },
    paired,
  };
  return { file: 'matrix_product', m, n, k, constants };
}

/** From the largest to the smallest. A subgroup has a quarter of the smallest, and 64 × 64 results of the others. */
const matrixTiles = {
  float16: [ofMatrices(128, 256, 32, 8, 4), ofMatrices(128, 128, 32, 4, 2), ofMatrices(64, 64, 32, 4, 2, false)],
  split: [ofMatrices(128, 256, 16, 8, 4, false), ofMatrices(128, 128, 16, 4, 2), ofMatrices(64, 64, 16, 4, 2)],
} as const;

/**
 * Most bytes of a workgroup's memory that a tile takes, however operands lie: panels of halves, two of a number where it is split, and
 * results.
 */
function bytesOf({ m, n, k, constants }: Tile, split: boolean): number {
  const side = (outer: number) => Math.max(outer * (k + 8), k * (outer + 8));
  const results = 1024 * Number(constants.subgroups) * (constants.paired ? 2 : 1);
  return 2 * (split ? 2 : 1) * (side(m) + side(n)) + results + 256;
}

/** Rows or columns so few that most of a tile of matrices would be empty. */
const fewForMatrices = 32;

const largeTile = square(128, 2, 8);
const mediumTile = square(64, 1, 8);
const smallTile = square(32, 1);
/** For adapters that compute on the CPU. */
export const softwareTile: Tile = {
  file: 'direct_tile',
  m: 32,
  n: 32,
  k: 4,
  constants: { tile_m: 32, tile_n: 32, results: 4 },
};

/** Workgroups that keep a large device busy. */
const busy = 192;

/** The largest tile that does not leave most of the device, or of itself, without work. */
export function tileFor({ facts }: Machine, m: number, n: number, copies = 1): Tile {
  const groups = ({ m: side }: Tile) => Math.ceil(m / side) * Math.ceil(n / side) * copies;
  if (facts.software) return softwareTile;
  if (Math.min(m, n) > 64 && groups(largeTile) >= busy / 2) return largeTile;
  return Math.min(m, n) > 32 && groups(mediumTile) >= busy / 2 ? mediumTile : smallTile;
}

/** The tile of matrices for a product, where the backend was opened for them and they have enough to do. */
export function matrixTileFor({ facts, products }: Machine, m: number, n: number, copies = 1): Tile | undefined {
  if (products === 'float32' || Math.min(m, n) <= fewForMatrices) return undefined;
  const bytes = facts.limits.maxComputeWorkgroupStorageSize!;
  const fitting = matrixTiles[products].filter((tile) => bytesOf(tile, products === 'split') <= bytes);
  const isFilled = (tile: Tile) =>
    m > tile.m / 2 && n > tile.n / 2 && Math.ceil(m / tile.m) * Math.ceil(n / tile.n) * copies >= busy / 2;
  return fitting.find(isFilled) ?? fitting.at(-1);
}

/** Steps of k that make a part of a split product worth while. */
const fewestSteps = 512;
/** Workgroups so many that a device which is short of work at the end of a product is so for a small part of it only. */
const plenty = 1024;

/** A tile, and the parts that k is split into where the results alone would not keep the device busy. */
export function planFor(
  machine: Machine,
  { m, n, k, batch }: { readonly m: number; readonly n: number; readonly k: number; readonly batch: number },
  onMatrixUnits: boolean,
): { tile: Tile; parts: number } {
  const mostParts = machine.facts.software ? 1 : Math.max(1, Math.floor(k / fewestSteps));
  const copies = batch * mostParts;
  const tile = (onMatrixUnits && matrixTileFor(machine, m, n, copies)) || tileFor(machine, m, n, copies);
  const groups = Math.ceil(m / tile.m) * Math.ceil(n / tile.n) * batch;
  return { tile, parts: Math.max(1, Math.min(mostParts, Math.floor(plenty / groups))) };
}
