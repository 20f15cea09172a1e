// The chunks of a Zarr array: fetched with caps, decoded by zarrita, checked, and kept in a bounded cache.
import { withoutChecksum } from '../crc32c';
import { DataError } from '../errors';
import type { ByteStore } from '../stores/api';
import { ByteCache } from '../stores/cache';
import { FileSizeError } from '../stores/range';
import type { ZarrLayout } from './zarrMeta';

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

/** Why a chunk cannot be used. */
class Damage extends Error {
  override readonly name = 'Damage';
}

/** Options of {@link openChunks}. */
export interface ChunkOptions {
  readonly vocabSize: number;
  readonly cacheBytes: number;
  readonly skip: boolean;
  /** Told of each chunk that is skipped. */
  readonly onSkip: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Opens the chunks of an array. zarrita is loaded now. */
export async function openChunks(store: ByteStore, layout: ZarrLayout, options: ChunkOptions): Promise<ChunkReader> {
  const { vocabSize, cacheBytes, skip, onSkip, signal } = options;
  const array = await openArray(store, layout);
  const cache = new ByteCache<Chunk>(cacheBytes);
  const skipped = new Set<string>();
  const name = (row: number, column: number) => {
    const key = layout.version === 2 ? `${row}.${column}` : `${row}/${column}`;
    return `chunk ${key} of ${store.name}`;
  };

  async function decode(row: number, column: number): Promise<Chunk> {
    const { data, stride } = await array.getChunk([row, column]);
    const ids = data as Chunk['data'];
    const [documents, columns] = layout.chunk;
    if (ids.length !== documents * columns) throw new Damage(`it holds ${ids.length} tokens`);
    if (layout.shard && ids.every((id) => id === layout.fill)) throw new Damage('it is missing');
    const chunk = { data: ids, stride: stride as [number, number], byteLength: ids.byteLength };
    requireIds(
      chunk,
      Math.min(documents, layout.documents - row * documents),
      Math.min(columns, layout.columns - column * columns),
    );
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
        if (error instanceof DataError && !(error instanceof FileSizeError)) throw error;
        const reason = reasonOf(error);
        const message = `${name(row, column)} is damaged: ${reason}`;
        if (skip) {
          if (!skipped.has(key)) onSkip(`skipped ${message}`);
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

/** The array as zarrita sees it: its description from memory, its chunks through the caps. */
async function openArray(store: ByteStore, layout: ZarrLayout) {
  const zarr = await import('zarrita');
  const metadata = new TextEncoder().encode(JSON.stringify(layout.forZarrita));
  // No codec makes more of a chunk than this.
  const most = layout.chunkBytes + layout.chunkBytes / 8 + 2 ** 16;
  const open = async (stored: Uint8Array | undefined) => {
    if (!stored) throw new Damage('it is missing');
    const bytes = layout.checksum ? withoutChecksum(stored) : stored;
    if (!bytes) throw new Damage('its checksum is wrong');
    requireDeclared(bytes, layout);
    return layout.inflate ? inflate(bytes, layout.inflate, layout.chunkBytes) : bytes;
  };
  const readable = {
    async get(key: string): Promise<Uint8Array | undefined> {
      if (key === '/.zarray' || key === '/zarr.json') return metadata;
      if (/\/\.z\w+$/.test(key)) return undefined;
      return open(await store.read(key.slice(1), { atMost: most }));
    },
    async getRange(key: string, range: { offset: number; length: number } | { suffixLength: number }) {
      if ('suffixLength' in range) {
        const index = await store.read(key.slice(1), { last: range.suffixLength });
        if (!index) throw new Damage('its shard is missing');
        return index;
      }
      if (!(range.length <= most)) throw new Damage(`it has ${range.length} bytes`);
      return open(await store.read(key.slice(1), { begin: range.offset, end: range.offset + range.length }));
    },
  };
  return layout.version === 2
    ? zarr.open.v2(readable, { kind: 'array', attrs: false })
    : zarr.open.v3(readable, { kind: 'array' });
}

/** A chunk that does not begin as its codec writes it. */
const NO_HEADER = -1;

/** Sizes that compressed chunks say of themselves: codecs would take that much memory before they notice. */
function requireDeclared(bytes: Uint8Array, { codecs, chunkBytes }: ZarrLayout): void {
  const codec = codecs.filter((name) => name !== 'crc32c').at(-1);
  const word = (at: number) =>
    bytes.length >= at + 4 ? new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true) : NO_HEADER;
  const declared =
    codec === 'blosc' ? word(4) : codec === 'lz4' ? word(0) : codec === 'zstd' ? zstdSize(bytes) : chunkBytes;
  if (declared === NO_HEADER) throw new Damage(`it is not compressed by ${codec}`);
  if (declared !== undefined && declared !== chunkBytes)
    throw new Damage(`it says that it holds ${declared} bytes, not ${chunkBytes}`);
}

/** The size in the header of a Zstandard frame (RFC 8878, section 3.1.1.1); undefined where the frame does not say it. */
function zstdSize(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 16 || view.getUint32(0, true) !== 0xfd2fb528) return NO_HEADER;
  const descriptor = bytes[4]!;
  const single = (descriptor >> 5) & 1;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return single ? bytes[at] : undefined;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

/** Inflates up to so many bytes. */
async function inflate(bytes: Uint8Array, format: CompressionFormat, most: number): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream(format));
  const out = new Uint8Array(most);
  let size = 0;
  for await (const part of stream as unknown as AsyncIterable<Uint8Array>) {
    if (size + part.length > most) throw new Damage('it holds more bytes than a chunk has');
    out.set(part, size);
    size += part.length;
  }
  return out.subarray(0, size);
}
