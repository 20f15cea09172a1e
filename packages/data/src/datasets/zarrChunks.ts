// The chunks of a Zarr array: fetched with caps, decoded, checked, and kept in a bounded cache.
import { isSympowError } from '@sympow/core';
import { ByteCache, fileAt, isStorageError, readWhole, type Storage } from '@sympow/storage';
import { DataError } from '../errors';
import { Damage } from './codecs/damage';
import type { ZarrLayout } from './zarrLayout';
import { openShards } from './zarrShards';

/** A decoded chunk. */
export interface Chunk {
  readonly data: Uint8Array | Uint16Array | Uint32Array;
  /** Elements from one document to the next, and from one column to the next. */
  readonly stride: readonly [document: number, column: number];
  readonly byteLength: number;
}

/** Reads chunks of one array. */
export interface ChunkReader {
  /** A chunk that is at hand; null for one that was skipped. */
  peek(row: number, column: number): Chunk | null | undefined;
  /** A chunk; null where it is damaged and that is to be skipped. */
  get(row: number, column: number): Promise<Chunk | null>;
}

/** Options of {@link openChunks}. */
export interface ChunkOptions {
  readonly vocabSize: number;
  readonly cacheBytes: number;
  readonly skip: boolean;
  /** Whether all chunks were stored once, so that one that is not there was lost. */
  readonly complete: boolean;
  /** Told of each chunk that is skipped, and of the first that is not stored. */
  readonly onNote: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Bytes that a chunk of nothing but the fill value counts as. */
const FILLED_BYTES = 64;

/** Opens the chunks of an array. */
export function openChunks(storage: Storage, layout: ZarrLayout, options: ChunkOptions): ChunkReader {
  const { vocabSize, cacheBytes, skip, complete, onNote, signal } = options;
  const { chain, fill, chunk: shape } = layout;
  const locate = layout.shard && openShards(storage, layout, layout.shard, chain.most);
  const cache = new ByteCache<Chunk>(cacheBytes);
  const skipped = new Set<string>();
  let filled = false;
  const name = (row: number, column: number) => {
    const key = layout.version === 2 ? `${row}.${column}` : `${row}/${column}`;
    return `chunk ${key} of ${storage.path}`;
  };

  async function fetchChunk(row: number, column: number): Promise<Uint8Array | undefined> {
    if (!locate) {
      const { storage: folder, name } = fileAt(storage, layout.key(row, column));
      return readWhole(folder, name, chain.most);
    }
    const found = await locate(row, column);
    return found && found.storage.read(found.name, found.begin, found.end);
  }
  async function decode(row: number, column: number): Promise<Chunk> {
    const stored = await fetchChunk(row, column);
    if (!stored) return fillChunk(row, column);
    const data = numbersOf(await chain.decode(stored), layout);
    const stride = layout.transposed ? ([1, shape[0]] as const) : ([shape[1], 1] as const);
    const chunk = { data, stride, byteLength: data.byteLength };
    const within = (axis: 0 | 1, size: number, at: number) => Math.min(shape[axis], size - at * shape[axis]);
    requireIds(chunk, within(0, layout.documents, row), within(1, layout.columns, column));
    return chunk;
  }
  function fillChunk(row: number, column: number): Chunk {
    if (complete) throw new Damage('it is missing');
    if (fill === undefined) throw new Damage('it is not stored, and the array has no fill value');
    const chunk: Chunk = { data: Uint32Array.of(fill), stride: [0, 0], byteLength: FILLED_BYTES };
    requireIds(chunk, 1, 1);
    if (!filled) onNote(`${name(row, column)} is not stored; it counts as the array’s fill value, ${fill}`);
    filled = true;
    return chunk;
  }
  function requireIds({ data, stride: [down, across] }: Chunk, documents: number, columns: number): void {
    for (let document = 0; document < documents; document++) {
      for (let column = 0; column < columns; column++) {
        const id = data[document * down + column * across]!;
        if (id >= vocabSize) throw new Damage(`it holds the token ${id}, and the vocabulary ends at ${vocabSize - 1}`);
      }
    }
  }

  return {
    peek: (row, column) => cache.peek(`${row}/${column}`) ?? (skipped.has(`${row}/${column}`) ? null : undefined),
    async get(row, column) {
      const key = `${row}/${column}`;
      if (skipped.has(key)) return null;
      try {
        return await cache.get(key, () => decode(row, column));
      } catch (error) {
        signal?.throwIfAborted();
        // A server that does not answer is no reason to skip anything.
        const ofStorage = isStorageError(error) && !isStorageError(error, 'short', 'large', 'missing');
        if (ofStorage || isSympowError(error, 'DATA')) throw error;
        const reason = reasonOf(error);
        const message = `${name(row, column)} is damaged: ${reason}`;
        if (skip) {
          if (!skipped.has(key)) onNote(`skipped ${message}`);
          skipped.add(key);
          return null;
        }
        throw new DataError({
          what: 'chunk',
          value: key,
          message,
          expected: `${layout.chunk.join(' × ')} tokens`,
          remedy: "Fetch or make it again, or skip what is damaged (damaged: 'skip', --skip-damaged).",
          cause: error,
        });
      }
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** The tokens in decoded bytes. */
function numbersOf(bytes: Uint8Array, { dtype, swapped }: ZarrLayout): Chunk['data'] {
  if (dtype === 'uint8') return bytes;
  const Ids = dtype === 'uint16' ? Uint16Array : Uint32Array;
  const width = Ids.BYTES_PER_ELEMENT;
  const own = swapped || bytes.byteOffset % width !== 0 ? bytes.slice() : bytes;
  if (swapped) for (let at = 0; at < own.length; at += width) own.subarray(at, at + width).reverse();
  return new Ids(own.buffer as ArrayBuffer, own.byteOffset, own.length / width);
}
