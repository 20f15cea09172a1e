/** Tiles for products between φ, whose side is long, and values, whose side is a head: the larger side along m. */

import type { Machine } from '../machine';
import { softwareTile, type Tile } from './tile';

export interface StateTile extends Tile {
  readonly threads: number;
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
  return { file: 'register_tile', m, n, k, threads, constants };
}

const largeTile = rectangle(128, 64, 2, 8);
const mediumTile = rectangle(64, 64, 2, 8);
const smallTile = rectangle(32, 32, 1, 16);

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
  if (facts.software) return { ...softwareTile, threads: 64 };
  if (n <= 32 || m <= 32) return smallTile;
  if (m > 64 && groups(largeTile) >= busy && fits(largeTile)) return largeTile;
  return fits(mediumTile) ? mediumTile : smallTile;
}
