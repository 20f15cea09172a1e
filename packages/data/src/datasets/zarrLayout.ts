// How a Zarr array of tokens lies in its files, checked before anything is believed: two dimensions, unsigned integers, chunks
// that fit in memory, and codecs whose output is bounded.
import { DataError } from '../errors';
import { byteCodecs, codecChain, type CodecChain } from './codecs';

/** Most bytes of a decoded chunk, which is held as a whole. */
const LARGEST_CHUNK = 2 ** 28;

/** Most chunks in a shard: its index is held as a whole. */
const LARGEST_SHARD = 2 ** 18;

/** Most documents, and most rows of chunks: training and splitting keep numbers for each. */
const MOST_DOCUMENTS = 2 ** 24;
const MOST_ROWS = 2 ** 22;

/** Types of a token in an array. */
export type ZarrType = 'uint8' | 'uint16' | 'uint32';

/** Bytes of a token. */
export const WIDTHS: Readonly<Record<ZarrType, number>> = { uint8: 1, uint16: 2, uint32: 4 };

/** What an array is. */
export interface ZarrLayout {
  readonly version: 2 | 3;
  readonly dtype: ZarrType;
  readonly documents: number;
  readonly columns: number;
  /** Documents and columns of the chunks that are read: inside of shards where there are such. */
  readonly chunk: readonly [documents: number, columns: number];
  /** How several chunks lie in one file. */
  readonly shard: ShardLayout | undefined;
  /** Names, in the order of encoding. */
  readonly codecs: readonly string[];
  /** The codecs that take bytes and give bytes. */
  readonly chain: CodecChain;
  /** Whether the bytes of a number stand the other way round. */
  readonly swapped: boolean;
  /** Whether the documents of a chunk stand beside each other, and not its columns. */
  readonly transposed: boolean;
  /** What stands where no chunk is stored; undefined if nothing is said about that. */
  readonly fill: number | undefined;
  /** Name of the file of a chunk, or of a shard where there are such. */
  readonly key: (row: number, column: number) => string;
}

/** How a file says where its chunks are. */
export interface ShardIndex {
  /** Whether that stands at the end of the file, or at its beginning. */
  readonly atEnd: boolean;
  readonly checksum: boolean;
  readonly swapped: boolean;
}

/** Several chunks in one file. */
export interface ShardLayout extends ShardIndex {
  /** Documents and columns of a shard. */
  readonly shape: readonly [documents: number, columns: number];
  /** Chunks of a shard, down and across. */
  readonly chunks: readonly [down: number, across: number];
}

/** What was read of an array, not yet checked. */
export interface Described extends Pick<ZarrLayout, 'version' | 'swapped' | 'transposed' | 'key'> {
  readonly where: string;
  readonly shape: unknown;
  readonly chunk: unknown;
  readonly shard: { readonly shape: unknown; readonly index: ShardIndex } | undefined;
  readonly type: ZarrType | undefined;
  readonly dtype: unknown;
  /** Of all codecs, in the order of encoding. */
  readonly names: readonly string[];
  readonly fill: unknown;
}

/** @throws DataError unless it can be read here */
export function layoutOf({ where, shape, chunk, shard, type, dtype, names, fill, ...rest }: Described): ZarrLayout {
  if (!type) refuse(where, 'dtype', dtype, 'unsigned integers of 1, 2 or 4 bytes');
  const [documents, columns] = pairOf(where, 'shape', shape);
  const chunkShape = pairOf(where, 'chunk shape', chunk);
  const chunkBytes = chunkShape[0] * chunkShape[1] * WIDTHS[type];
  if (chunkBytes > LARGEST_CHUNK) {
    const expected = `chunks of at most ${LARGEST_CHUNK / 2 ** 20} MiB, as they are held whole`;
    refuse(where, 'chunk shape', chunkShape, expected);
  }
  const rows = Math.ceil(documents / chunkShape[0]);
  if (documents > MOST_DOCUMENTS || rows > MOST_ROWS || !Number.isSafeInteger(documents * (columns + 1))) {
    const expected = `at most ${MOST_DOCUMENTS} documents in ${MOST_ROWS} rows of chunks, and 2⁵³ tokens`;
    refuse(where, 'shape', [documents, columns], expected, 'Cut it into several arrays, which are read as one.');
  }
  const limit = 2 ** (8 * WIDTHS[type]);
  if (fill !== undefined && !(Number.isInteger(fill) && (fill as number) >= 0 && (fill as number) < limit)) {
    refuse(where, 'fill_value', fill, `a whole number from 0 to ${limit - 1}`);
  }
  return {
    ...rest,
    dtype: type,
    documents,
    columns,
    chunk: chunkShape,
    shard: shard && shardOf(where, shard.shape, shard.index, chunkShape),
    codecs: names,
    chain: codecChain(bytesToBytes(where, names), chunkBytes),
    fill: fill as number | undefined,
  };
}

function shardOf(where: string, value: unknown, index: ShardIndex, chunk: readonly [number, number]): ShardLayout {
  const shape = pairOf(where, 'shard shape', value);
  const [down, across] = [shape[0] / chunk[0], shape[1] / chunk[1]];
  if (Number.isInteger(down) && Number.isInteger(across) && down * across <= LARGEST_SHARD) {
    return { ...index, shape, chunks: [down, across] };
  }
  const expected = `whole chunks of ${chunk.join(' × ')}, at most ${LARGEST_SHARD} of them`;
  refuse(where, 'shard shape', shape, expected);
}

/** The codecs behind `bytes`, in front of which only `transpose` may stand. */
function bytesToBytes(where: string, names: readonly string[]): readonly string[] {
  const at = names.findIndex((name) => name !== 'transpose');
  const unknown = names.find((name) => name !== 'transpose' && name !== 'bytes' && !byteCodecs.includes(name));
  if (unknown !== undefined) {
    refuse(where, 'codec', unknown, `one of ${['bytes', 'transpose', ...byteCodecs].join(', ')}`);
  }
  const rest = names.slice(at + 1);
  if (names[at] === 'bytes' && rest.every((name) => byteCodecs.includes(name))) return rest;
  refuse(where, 'codecs', names, 'bytes in front of all that compresses, and once');
}

function pairOf(where: string, what: string, value: unknown): readonly [number, number] {
  const sound =
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((size) => Number.isSafeInteger(size) && (size as number) >= 1 && (size as number) <= 2 ** 40);
  if (sound) return value as unknown as readonly [number, number];
  refuse(where, what, value, 'two sizes: documents and tokens');
}

export function refuse(where: string, what: string, value: unknown, expected: string, remedy?: string): never {
  throw new DataError({ what: `${what} of ${where}`, value, expected, remedy });
}
