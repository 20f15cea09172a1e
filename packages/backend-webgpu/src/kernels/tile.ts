/** Which inner product a kernel computes with: the file for its slot `tile`, and the sizes of its tile. */

import type { Machine } from '../machine';

export interface Tile {
  readonly file: string;
  readonly m: number;
  readonly n: number;
  readonly constants: Readonly<Record<string, number>>;
}

/** A square tile of `side`×`side` results, with `quads`² quads of 4×4 results per thread and slices of 16 along k. */
function square(side: number, quads: number): Tile {
  const depth = 16;
  const threads = (side / (4 * quads)) ** 2;
  const blocks = 2 * (side / 4) * (depth / 4);
  const loads = Math.ceil(blocks / threads);
  const constants = { tile_m: side, tile_n: side, tile_k: depth, quads, results: 4 * quads * quads, loads };
  return { file: 'register_tile', m: side, n: side, constants };
}

const tiles = [square(128, 2), square(64, 1), square(32, 1)] as const;
const [largeTile, mediumTile, smallTile] = tiles;

/** Enough workgroups to keep a large device busy. */
const busy = 96;

/** The largest tile that does not leave most of the device, or of itself, without work. */
export function tileFor({ facts }: Machine, m: number, n: number, batch = 1): Tile {
  const groups = ({ m: side }: Tile) => Math.ceil(m / side) * Math.ceil(n / side) * batch;
  if (facts.software) return smallTile;
  if (Math.min(m, n) > 64 && groups(largeTile) >= busy) return largeTile;
  return Math.min(m, n) > 32 && groups(mediumTile) >= busy ? mediumTile : smallTile;
}
