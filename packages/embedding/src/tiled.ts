// φ in tiles, and the maps between that layout and the lexicographic one. Fast kernels like tiles because inside one all
// t^p products stand side by side; states that leave a backend are lexicographic.
import type { FloatArray, LayoutMap, LayoutMapOptions, TiledEmbedOptions } from './api';
import { allocate, requireFloats, requireLength, resultLike } from './arrays';
import { boundedCache } from './cache';
import { ShapeError } from '@sympow/core';
import { embeddingWeights, multiIndices, ranking } from './multiIndex';
import { embeddedSize, requireWhole, tiledSize } from './size';

/** The non-decreasing tile multi-indices [C(d/t+p−1, p), p] and the square roots of their multiplicities. */
interface Tiles {
  readonly indices: Int32Array;
  readonly weights: Float64Array;
}

const cachedTiles = /* @__PURE__ */ boundedCache<Tiles>(
  16 * 2 ** 20,
  ({ indices, weights }) => indices.byteLength + weights.byteLength,
);
const cachedMap = /* @__PURE__ */ boundedCache<LayoutMap>(64 * 2 ** 20, bytesOf);

/**
 * φ in the tiled layout: for every non-decreasing multi-index (a_1 … a_p) of tiles, in lexicographic order, the t^p
 * products of one coordinate from each, row-major, times the square root of the multi-index's multiplicity. The identity
 * φ_t(q)·φ_t(k) = (q·k)^p holds here as well.
 *
 * @param x - [d]
 * @returns [D_t], D_t = C(d/t+p−1, p)·t^p, in the class of `x`; `out` if it was given
 * @throws ShapeError if `x` is empty or not a Float32Array or Float64Array, or `out` does not fit
 * @throws ConfigError if the power is not a whole number of at least 1, or the tile does not divide d
 * @throws OutOfMemoryError if φ_t(x) cannot be held; nothing is allocated then
 *
 * @example
 * ```ts
 * tiledEmbed(new Float32Array(64).fill(1), { power: 2, tile: 8 }).length; // 2304
 * ```
 */
export function tiledEmbed<A extends FloatArray>(x: A, { power, tile, out }: TiledEmbedOptions<A>): A {
  requireFloats('x', x);
  if (x.length === 0) throw new ShapeError({ what: 'length of x', value: 0, expected: 'at least 1' });
  const size = tiledSize(x.length, power, tile);
  const { indices, weights } = tilesOf(x.length / tile, power);
  const block = size / weights.length;
  const phi = resultLike(x, size, `tiled φ of d = ${x.length}, power = ${power}`, out);
  // The products of the first j tiles, grown by one tile at a time from the back so that it can be done in place.
  const products = allocate(Float64Array, block, 'scratch memory of tiled φ');
  for (let tuple = 0; tuple < weights.length; tuple++) {
    products[0] = weights[tuple]!;
    let count = 1;
    for (let j = 0; j < power; j++, count *= tile) {
      const begin = indices[tuple * power + j]! * tile;
      for (let i = count - 1; i >= 0; i--) {
        const product = products[i]!;
        for (let u = tile - 1; u >= 0; u--) products[i * tile + u] = product * x[begin + u]!;
      }
    }
    phi.set(products, tuple * block);
  }
  return phi;
}

/**
 * The map from the tiled layout to the lexicographic one, [D, D_t]. A monomial that stands c times in the tiled layout
 * has a weight smaller by sqrt(c) there, so its lexicographic entry is sqrt(c) times the mean of its copies: every
 * nonzero is 1/sqrt(c), and the rows are orthonormal. It takes φ_t(k) to φ(k), and so sums of φ_t(k)vᵀ to the same sums
 * of φ(k)vᵀ. Shared between callers: do not write to it.
 *
 * @param d - head size
 * @param p - power
 * @param tile - a divisor of d
 * @throws ConfigError if a size is not a whole number of at least 1, the power is above 1024, or t does not divide d
 * @throws OutOfMemoryError if the map cannot be held
 *
 * @example
 * ```ts
 * const map = tiledToLexicographic(64, 2, 8);
 * applyLayoutMap(map, new Float32Array(2304 * 16), { columns: 16 }).length; // 2080 · 16
 * ```
 */
export function tiledToLexicographic(d: number, p: number, tile: number): LayoutMap {
  return cachedMap(`>${d},${p},${tile}`, () => transpose(lexicographicToTiled(d, p, tile)));
}

/**
 * The way back, [D_t, D]: the transpose of {@link tiledToLexicographic}. It writes a state's entry to all its copies, so
 * that φ_t(q) applied to the result equals φ(q) applied to the state. Shared between callers: do not write to it.
 *
 * @throws ConfigError and OutOfMemoryError as {@link tiledToLexicographic}
 *
 * @example
 * ```ts
 * const there = lexicographicToTiled(64, 2, 8);
 * there.index[there.start[1]!]; // the lexicographic position of tiled entry 1
 * ```
 */
export function lexicographicToTiled(d: number, p: number, tile: number): LayoutMap {
  return cachedMap(`<${d},${p},${tile}`, () => positions(d, p, tile));
}

/**
 * Turns a state from one layout into another: the sparse matrix times the state, summed in double precision.
 *
 * @param map - from {@link tiledToLexicographic} or {@link lexicographicToTiled}
 * @param state - [inputSize, e], flat
 * @returns [outputSize, e], in the class of `state`; `out` if it was given
 * @throws ShapeError if `state` or `out` does not fit
 * @throws ConfigError if `columns` is not a whole number of at least 1
 *
 * @example
 * ```ts
 * const x = Float64Array.of(1, 2, 3, 4);
 * const tiled = tiledEmbed(x, { power: 2, tile: 2 });
 * applyLayoutMap(tiledToLexicographic(4, 2, 2), tiled); // embed(x, { power: 2 })
 * ```
 */
export function applyLayoutMap<A extends FloatArray>(
  { inputSize, outputSize, start, index, scale }: LayoutMap,
  state: A,
  { columns = 1, out }: LayoutMapOptions<A> = {},
): A {
  requireFloats('state', state);
  requireWhole('columns', columns);
  requireLength('state', state, inputSize * columns);
  const turned = resultLike(state, outputSize * columns, 'state in the other layout', out);
  const sums = new Float64Array(columns);
  for (let row = 0; row < outputSize; row++) {
    sums.fill(0);
    for (let s = start[row]!; s < start[row + 1]!; s++) {
      const begin = index[s]! * columns;
      const factor = scale[s]!;
      for (let c = 0; c < columns; c++) sums[c]! += factor * state[begin + c]!;
    }
    turned.set(sums, row * columns);
  }
  return turned;
}

function tilesOf(count: number, p: number): Tiles {
  return cachedTiles(`${count},${p}`, () => ({
    indices: multiIndices(count, p),
    weights: embeddingWeights(count, p),
  }));
}

/** One nonzero per row: the lexicographic position of each tiled entry. */
function positions(d: number, p: number, tile: number): LayoutMap {
  const outputSize = tiledSize(d, p, tile);
  const inputSize = embeddedSize(d, p);
  const { indices, weights } = tilesOf(d / tile, p);
  const block = outputSize / weights.length;
  const index = allocate(Int32Array, outputSize, 'layout map');
  const copies = allocate(Int32Array, inputSize, 'layout map');
  const rank = ranking(d, p);
  const coordinates = new Int32Array(p);
  for (let entry = 0; entry < outputSize; entry++) {
    const tuple = Math.floor(entry / block);
    let rest = entry % block; // the coordinates inside their tiles, as the digits of a number in base t
    for (let j = p - 1; j >= 0; j--) {
      coordinates[j] = indices[tuple * p + j]! * tile + (rest % tile);
      rest = Math.floor(rest / tile);
    }
    const position = rank(coordinates.sort());
    index[entry] = position;
    copies[position]!++;
  }
  const start = allocate(Int32Array, outputSize + 1, 'layout map').map((_, entry) => entry);
  const scale = allocate(Float64Array, outputSize, 'layout map').map(
    (_, entry) => 1 / Math.sqrt(copies[index[entry]!]!),
  );
  return { inputSize, outputSize, start, index, scale };
}

/** The transpose of a map with one nonzero per row. */
function transpose({ inputSize, outputSize, index, scale }: LayoutMap): LayoutMap {
  const start = allocate(Int32Array, inputSize + 1, 'layout map');
  for (const position of index) start[position + 1]!++;
  for (let row = 0; row < inputSize; row++) start[row + 1]! += start[row]!;
  const next = start.slice();
  const gathered = allocate(Int32Array, outputSize, 'layout map');
  const gatheredScale = allocate(Float64Array, outputSize, 'layout map');
  for (let entry = 0; entry < outputSize; entry++) {
    const slot = next[index[entry]!]!++;
    gathered[slot] = entry;
    gatheredScale[slot] = scale[entry]!;
  }
  return { inputSize: outputSize, outputSize: inputSize, start, index: gathered, scale: gatheredScale };
}

function bytesOf({ start, index, scale }: LayoutMap): number {
  return start.byteLength + index.byteLength + scale.byteLength;
}
