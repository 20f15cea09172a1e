/** Tiles for products between φ, whose side is long, and values, whose side is a head: the larger side along m. */

import type { Machine } from '../machine';
import { softwareTile, type Tile } from './tile';

export interface StateTile extends Tile {
  readonly threads: number;
  readonly flags: readonly string[];
}

function rectangle(m: number, n: number, quads: number, k: number): StateTile {
  const threads = (m / (4 * quads)) * (n / (4 * quads));
  const blocks = ((m + n) / 4) * (k / 4);
  const constants = {
    tile_m: m,
    tile_n: n,
    tile_k: k,
    quads,
    results: 4 * quads * quads,
    loads: Math.ceil(blocks / threads),
  };
  return { file: 'register_tile', m, n, k, threads, flags: [], constants };
}

/** A tile on matrix units: four subgroups, `along` of them beside each other, in slices as long as registers are left for. */
function ofMatrices(m: number, n: number, along: number, split: boolean): StateTile {
  const [threads, k] = [128, split ? 16 : 32];
  const [matrices_m, matrices_n] = [(m * along) / 64, n / (16 * along)];
  const constants = {
    ...{ tile_m: m, tile_n: n, tile_k: k, matrices_m, matrices_n, subgroups: 4, subgroups_n: along },
    loads_a: Math.ceil((m * k) / 16 / threads),
    loads_b: Math.ceil((n * k) / 16 / threads),
  };
  return { file: 'matrix_tile', m, n, k, threads, flags: split ? ['split'] : [], constants };
}

const matrixTiles = {
  float16: { wide: ofMatrices(128, 64, 2, false), narrow: ofMatrices(128, 32, 1, false) },
  split: { wide: ofMatrices(128, 64, 2, true), narrow: ofMatrices(128, 32, 1, true) },
};

/** Memory of a workgroup in bytes that such a tile takes, with what kernels put beside it. */
const matrixTileBytes = 28672;

const largeTile = rectangle(128, 64, 2, 8);
const mediumTile = rectangle(64, 64, 2, 8);
const smallTile = rectangle(32, 32, 1, 16);

/** The tile on matrix units for a product, where the backend was opened for them and they have enough to do. */
export function matrixStateTileFor({ facts, products }: Machine, m: number, n: number): StateTile | undefined {
  const room = facts.limits.maxComputeWorkgroupStorageSize! >= matrixTileBytes;
  if (products === 'float32' || !room || m < 64 || n < 24) return undefined;
  return matrixTiles[products][n > 32 ? 'wide' : 'narrow'];
}

/** Workgroups that keep a large device busy. */
const busy = 192;

/**
 * The largest tile that does not leave most of the device, or of itself, without work, and that with `extraBytes` of its own
 * fits into the device's workgroup memory.
 */
export function stateTileFor(
  { facts }: Machine,
  {
    m,
    n,
    copies,
    extraBytes = () => 0,
  }: { m: number; n: number; copies: number; extraBytes?: (tile: StateTile) => number },
): StateTile {
  const groups = (tile: StateTile) => Math.ceil(m / tile.m) * Math.ceil(n / tile.n) * copies;
  const fits = (tile: StateTile) =>
    4 * tile.k * (tile.m + tile.n) + extraBytes(tile) <= facts.limits.maxComputeWorkgroupStorageSize!;
  if (facts.software) return { ...softwareTile, threads: 64, flags: [] };
  if (n <= 32 || m <= 32) return smallTile;
  if (m > 64 && groups(largeTile) >= busy && fits(largeTile)) return largeTile;
  return fits(mediumTile) ? mediumTile : smallTile;
}
