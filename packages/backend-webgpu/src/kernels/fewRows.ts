/** Linear maps of 5 to some 100 rows: as many as streams that are decoded together. */

import type { Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';

/** Rows from which on a product goes through the tiles of `matmul`. */
export const mostFewRows = 128;

/** One of up to five maps of a launch, in a place of its own. */
export interface PlacedMap {
  readonly place: number;
  /** Rows of its weights. */
  readonly m: number;
  readonly activation: number;
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
}

interface Tile {
  readonly m: number;
  readonly n: number;
  readonly shares: number;
  /** Vectors of four in a slice. */
  readonly slice: number;
}

/** Tiles by their rows, each with fewer columns than the one before; a share of a slice is one vector, or two. */
const tiles: readonly Tile[] = [
  { m: 64, n: 32, shares: 4, slice: 8 },
  { m: 64, n: 16, shares: 8, slice: 8 },
  { m: 64, n: 8, shares: 8, slice: 8 },
  { m: 32, n: 32, shares: 8, slice: 8 },
  { m: 32, n: 16, shares: 16, slice: 16 },
  { m: 32, n: 8, shares: 16, slice: 16 },
  { m: 16, n: 32, shares: 16, slice: 16 },
  { m: 16, n: 16, shares: 16, slice: 16 },
  { m: 16, n: 8, shares: 32, slice: 32 },
  { m: 8, n: 32, shares: 16, slice: 16 },
  { m: 8, n: 16, shares: 32, slice: 32 },
  { m: 8, n: 8, shares: 32, slice: 32 },
];

/** Workgroups that keep a large device busy. */
const busy = 64;

/** The least rows that hold all, or 64; the most columns that leave enough workgroups. */
function tileOf(rows: number, columns: readonly number[]): Tile {
  const m = [8, 16, 32].find((size) => rows <= size) ?? 64;
  const groups = ({ n }: Tile) => Math.ceil(rows / m) * columns.reduce((sum, count) => sum + Math.ceil(count / n), 0);
  const own = tiles.filter((tile) => tile.m === m);
  return own.find((tile) => groups(tile) >= busy) ?? own[own.length - 1]!;
}

/** The tensors of all maps, by their names. */
export function tensorsOf(maps: readonly PlacedMap[]): PlacedMap['tensors'] {
  return Object.fromEntries(maps.flatMap(({ tensors }) => Object.entries(tensors)));
}

/** The parameters that say where maps are, `n` columns to a workgroup. */
export function mapParameters(
  maps: readonly PlacedMap[],
  n: number,
): { params: Record<string, number>; groups: number } {
  const params: Record<string, number> = {};
  for (const i of [0, 1, 2, 3, 4]) Object.assign(params, { [`m${i}`]: 0, [`first${i}`]: 0, [`activation${i}`]: 0 });
  let groups = 0;
  for (const { place, m, activation } of maps) {
    Object.assign(params, { [`m${place}`]: m, [`first${place}`]: groups, [`activation${place}`]: activation });
    groups += Math.ceil(m / n);
  }
  return { params, groups };
}

interface FewRows {
  /** [rows, 4·vectors] */
  readonly x: Tensor;
  readonly rows: number;
  readonly maps: readonly PlacedMap[];
  readonly accumulate?: boolean;
  /** The norm of rows of x by their squares, with eps and weights. */
  readonly norm?: { readonly eps: number; readonly weight: Tensor | undefined };
}

export function fewRows(machine: Machine, { x, rows, maps, accumulate = false, norm }: FewRows): void {
  const vectors = x.size / rows / 4;
  const { m, n, shares, slice } = tileOf(
    rows,
    maps.map((map) => map.m),
  );
  const threads = (m / 8) * (n / 4) * shares;
  const { params, groups } = mapParameters(maps, n);
  machine.launch('few_rows', {
    flags: norm ? ['squares'] : [],
    constants: {
      tile_m: m,
      tile_n: n,
      shares,
      slice,
      own: slice / shares,
      loads_x: Math.ceil((m * slice) / threads),
      loads_w: Math.ceil((n * slice) / threads),
    },
    tensors: { x, normWeight: norm?.weight, ...tensorsOf(maps) },
    params: { rows, vectors, eps: norm?.eps ?? 0, accumulate: accumulate ? 1 : 0, ...params },
    groups: groups * Math.ceil(rows / m),
  });
}
