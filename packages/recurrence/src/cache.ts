/**
 * What attention by softmax remembers of a stream: keys, values and gates of all that was read, in a cache that grows, or of the
 * last tokens, in one that does not.
 */

import { backendOf, ConfigError, ShapeError, type Backend, type Tensor } from '@sympow/kernels';
import type { Memory, MemoryShape, SavedMemory, SavedTensor, SaveOptions } from './api';
import { savedTensor } from './inputs';
import { advance, checkEven, checkRows, copyRow, copyTokens, Places, saveRow } from './rows';
import { atRest, beginningWith, firstRows, stateBytes } from './savedTensors';
import { savedPhase, streamPhase } from './turning';

/** Keys, values and gates. Made by `softmaxRecurrence(…).memory`. */
export interface SoftmaxMemory extends Memory {
  readonly keeping: Keeping;
  /**
   * [B, capacity, G, d], [B, capacity, G, e] and [B, capacity, G] or, with channels, [B, capacity, G, d + 1]; rows behind those that
   * hold tokens hold anything.
   */
  cache: { k: Tensor; v: Tensor; logGate: Tensor | undefined };
  readonly places: Places;
  readonly positions: number[];
  /** [2, B, G, d/2]; see `streamPhase`. */
  readonly phase: Tensor | undefined;
  bytes: number;
}

/** What a cache keeps of a stream. */
export interface Keeping {
  /** W where only the last tokens are kept. */
  readonly window?: number | undefined;
  /** Whether every channel of a key has a gate, with one more for the score behind them. */
  readonly channels?: boolean | undefined;
}

const names = ['k', 'v', 'logGate'] as const;

/** Gates of one token of one row, by axis; nothing without gates. */
function gateAxes({ G, d, gateWidth }: MemoryShape, { channels }: Keeping): number[] | undefined {
  if (channels) return [G, d + 1];
  return gateWidth > 0 ? [G] : undefined;
}

const firstCapacity = 256;

/** Tokens that a cache of W takes before it drops those that no later one sees. */
export const spare = (window: number): number => Math.min(window, 64);

/** Gates of one token of one row. */
const gatesOf = (shape: MemoryShape, keeping: Keeping): number =>
  gateAxes(shape, keeping)?.reduce((a, b) => a * b) ?? 0;

/** Bytes after `length` tokens: of those that are needed where the cache grows, else of all that it ever holds. */
export function cacheBytes(shape: MemoryShape, length: number, keeping: Keeping): number {
  const { window } = keeping;
  const tokens = window === undefined ? length : window - 1 + spare(window);
  const { B, G, d, e, phases } = shape;
  const perToken = stateBytes(shape) * G * (d + e) + 4 * gatesOf(shape, keeping);
  return B * (tokens * perToken + (phases ? 4 * G * d : 0));
}

/**
 * An empty memory, or one that goes on from a saved one.
 *
 * @throws ConfigError or ShapeError for a saved memory that does not fit
 */
export function softmaxMemory(
  kind: string,
  backend: Backend,
  shape: MemoryShape,
  keeping: Keeping,
  saved?: SavedMemory,
  room = 0,
): SoftmaxMemory {
  const { B, G, d, e, phases } = shape;
  const { window } = keeping;
  const gates = gateAxes(shape, keeping);
  const position = saved?.position ?? 0;
  const count = saved ? savedCount(saved, window) : 0;
  const rows: Rows | undefined = saved && {
    k: savedTensor(saved, 'k', [B, count, G, d]),
    v: savedTensor(saved, 'v', [B, count, G, e]),
    logGate: gates && savedTensor(saved, 'logGate', [B, count, ...gates]),
  };
  let capacity = window === undefined ? firstCapacity : Math.max(room, window - 1 + spare(window));
  // As it grows when token follows token, so that sums over it come out the same.
  while (capacity < count) capacity *= 2;
  const memory: SoftmaxMemory = backend.scope((keep) => {
    const cache = cacheOf(backend, shape, keeping, capacity, rows);
    const phase = phases ? keep(streamPhase(backend, shape, saved)) : undefined;
    const places = new Places(backend, B, count);
    places.tensors.forEach(keep);
    return {
      ...{ kind, shape, keeping, cache: outliving(cache), phase, places, bytes: 0 },
      positions: new Array<number>(B).fill(position),
      get position() {
        return Math.max(0, ...this.positions);
      },
      // The token for which a cache has no room moves it.
      get way() {
        const capacity = memory.cache.k.shape[1]!;
        return places.counts.some((count) => count >= capacity) ? undefined : places.way;
      },
      follow() {
        places.moveOn(1, undefined);
        advance(memory.positions, 1, undefined);
      },
      copyRow: (row, from, fromRow) => {
        checkRows(memory, row, from, fromRow);
        checkWindows(memory, from as SoftmaxMemory);
        copyLast(memory, row, from as SoftmaxMemory, fromRow);
      },
      save: (options) => save(memory, options),
      dispose: () => {
        for (const tensor of [...Object.values(memory.cache), phase, ...places.tensors]) tensor?.dispose();
      },
    };
  });
  memory.bytes = bytesOf(memory);
  return memory;
}

type Rows = { readonly [name in keyof SoftmaxMemory['cache']]: SavedTensor | undefined };

/** Tokens in a saved cache: all that were read, or as many as a window needs and its cache can hold. */
function savedCount({ position, tensors }: SavedMemory, window: number | undefined): number {
  const count = tensors.k?.shape[1];
  if (window === undefined || count === undefined) return position;
  const [least, most] = [Math.min(position, window - 1), Math.min(position, window - 1 + spare(window))];
  if (count >= least && count <= most) return count;
  throw new ShapeError({
    what: 'tokens in the saved cache',
    value: count,
    expected: `${least} to ${most} for a window of ${window}`,
  });
}

function checkWindows({ keeping: to }: SoftmaxMemory, { keeping: from }: SoftmaxMemory): void {
  if (to.window === from.window) return;
  throw new ConfigError({ what: 'window of the memory to copy from', value: from.window, expected: `${to.window}` });
}

function cacheOf(
  backend: Backend,
  shape: MemoryShape,
  keeping: Keeping,
  capacity: number,
  rows?: Rows,
): SoftmaxMemory['cache'] {
  const { B, G, d, e, states } = shape;
  const gates = gateAxes(shape, keeping);
  return {
    k: beginningWith(rows?.k, backend, [B, capacity, G, d], states),
    v: beginningWith(rows?.v, backend, [B, capacity, G, e], states),
    logGate: gates && beginningWith(rows?.logGate, backend, [B, capacity, ...gates]),
  };
}

/** A cache that grows in the middle of a step outlives the step. */
function outliving(cache: SoftmaxMemory['cache']): SoftmaxMemory['cache'] {
  for (const tensor of Object.values(cache)) tensor?.backend.detach(tensor);
  return cache;
}

function bytesOf({ cache: { k, v, logGate }, phase, shape }: SoftmaxMemory): number {
  return stateBytes(shape) * (k.size + v.size) + 4 * ((logGate?.size ?? 0) + (phase?.size ?? 0));
}

/** A memory like this one, of one row unless said otherwise, and with room for that many tokens if it has a window. */
export function memoryLike({ kind, cache, shape, keeping }: SoftmaxMemory, B = 1, room = 0): SoftmaxMemory {
  return softmaxMemory(kind, backendOf(cache.k), { ...shape, B }, keeping, undefined, room);
}

/** The last tokens that a row holds, at most so many, into a row of another memory, which then holds those. */
export function copyLast(to: SoftmaxMemory, row: number, from: SoftmaxMemory, fromRow: number, most = Infinity): void {
  const held = from.places.counts[fromRow]!;
  const count = Math.min(held, most);
  makeRoom(to, row, count);
  for (const name of names) {
    const [x, y] = [from.cache[name], to.cache[name]];
    if (x && y) copyTokens(x, fromRow, held - count, count, y, row);
  }
  if (from.phase && to.phase) copyRow(from.phase, fromRow, to.phase, row, 2);
  to.places.set(row, count);
  to.positions[row] = from.positions[fromRow]!;
}

function makeRoom(memory: SoftmaxMemory, row: number, count: number): void {
  if (memory.keeping.window === undefined) grow(memory, count);
  // What the row held so far is overwritten.
  else memory.places.set(row, 0);
}

/** Room for T more tokens in every row: the cache grows, or rows that are full drop what no later token sees. */
export function prepareCache(memory: SoftmaxMemory, T: number): void {
  const { counts } = memory.places;
  const { window } = memory.keeping;
  if (window === undefined) {
    grow(memory, Math.max(...counts) + T);
    return;
  }
  const capacity = memory.cache.k.shape[1]!;
  for (const [row, count] of counts.entries())
    if (count + T > capacity) slide(memory, row, Math.min(count, window - 1));
}

/** Moves the last `count` tokens of a row to its beginning. Each row by itself, so that it does so when it would alone. */
function slide({ cache, places }: SoftmaxMemory, row: number, count: number): void {
  const skip = places.counts[row]! - count;
  const { backend } = cache.k;
  backend.scope(() => {
    for (const name of names) {
      const x = cache[name];
      if (!x) continue;
      const kept = backend.empty([1, count, ...x.shape.slice(2)], x.dtype);
      if (count > 0) copyTokens(x, row, skip, count, kept, 0);
      if (count > 0) copyTokens(kept, 0, 0, count, x, row);
    }
  });
  places.set(row, count);
}

/** Makes room for `count` keys a row, doubling the capacity. */
function grow(memory: SoftmaxMemory, count: number): void {
  const backend = backendOf(memory.cache.k);
  const capacity = memory.cache.k.shape[1] as number;
  if (count <= capacity) return;
  const next = backend.scope(() => {
    const larger = cacheOf(backend, memory.shape, memory.keeping, Math.max(2 * capacity, count));
    for (const name of names) {
      const [x, y] = [memory.cache[name], larger[name]];
      if (x && y) backend.kernels.copyBlock({ x, count: Math.max(...memory.places.counts), y });
    }
    return outliving(larger);
  });
  for (const tensor of Object.values(memory.cache)) tensor?.dispose();
  memory.cache = next;
  memory.bytes = bytesOf(memory);
}

async function save(memory: SoftmaxMemory, { exact = false, row }: SaveOptions = {}): Promise<SavedMemory> {
  if (row !== undefined) return saveRow(memory, row, () => memoryLike(memory), exact);
  const { cache, phase, positions, position, keeping, places } = memory;
  checkEven('positions', positions);
  checkEven('tokens in the caches', places.counts);
  const held = places.counts[0] ?? 0;
  // The public state is what a later token sees.
  const count = exact || keeping.window === undefined ? held : Math.min(held, keeping.window - 1);
  const { backend } = cache.k;
  const used = backend.scope((keep) => {
    const rows = Object.entries(cache).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
    const copies = rows.map(([name, tensor]) => [name, keep(rowsOf(tensor, held - count, count))] as const);
    return Object.fromEntries(
      phase ? [...copies, ['phase', keep(firstRows(phase, phase.shape[1]!))] as const] : copies,
    );
  });
  const { phase: planes, ...tensors } = await atRest(used);
  return { position, tensors: { ...tensors, ...(planes && savedPhase(planes, exact)) } };
}

/** A copy of rows [from, from + count) of axis 1. */
function rowsOf(tensor: Tensor, from: number, count: number): Tensor {
  const [B, , ...rest] = tensor.shape as [number, number, ...number[]];
  const rows = tensor.backend.empty([B, count, ...rest], tensor.dtype);
  backendOf(tensor).kernels.copyBlock({ x: tensor, from, count, y: rows });
  return rows;
}
