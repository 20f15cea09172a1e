// The description of a Zarr array, version 2 or 3, checked before anything is believed: two dimensions, unsigned integers,
// chunks that fit in memory, and codecs whose output is bounded.
import { DataError } from '../errors';

/** Most bytes of a decoded chunk, which is held as a whole. */
const LARGEST_CHUNK = 2 ** 28;

/** Most chunks in a shard: its index is held as a whole. */
const LARGEST_SHARD = 2 ** 18;

/** Types of a token in an array. */
export type ZarrType = 'uint8' | 'uint16' | 'uint32';

const WIDTHS: Readonly<Record<ZarrType, number>> = { uint8: 1, uint16: 2, uint32: 4 };

/**
 * Codecs that zarrita decodes, whose output is bounded by what they say first, and those that are inflated here, up to the
 * size of a chunk. Checksums are checked here: zarrita cuts them off.
 */
const BOUNDED = ['bytes', 'transpose', 'blosc', 'zstd', 'lz4'];
const CHECKSUM = 'crc32c';
const INFLATED: Readonly<Record<string, CompressionFormat>> = { gzip: 'gzip', zlib: 'deflate' };

/** What an array is. */
export interface ZarrLayout {
  readonly version: 2 | 3;
  readonly dtype: ZarrType;
  readonly documents: number;
  readonly columns: number;
  /** Documents and columns of the chunks that are read: inside of shards where there are such. */
  readonly chunk: readonly [documents: number, columns: number];
  /** Documents and columns of a file with several chunks. */
  readonly shard: readonly [documents: number, columns: number] | undefined;
  /** Names, in the order of encoding. */
  readonly codecs: readonly string[];
  /** Whether a checksum stands behind each chunk. */
  readonly checksum: boolean;
  /** How chunks are inflated before zarrita sees them. */
  readonly inflate: CompressionFormat | undefined;
  /** Bytes of a decoded chunk. */
  readonly chunkBytes: number;
  readonly fill: number;
  /** The description without what is checked and inflated here. */
  readonly forZarrita: object;
}

interface Codec {
  readonly name: string;
  readonly configuration?: { readonly chunk_shape?: unknown; readonly codecs?: readonly Codec[] };
}

/** Reads `.zarray`. @throws DataError if it is not what can be read here */
export function readV2(json: Readonly<Record<string, unknown>>, where: string): ZarrLayout {
  const { shape, chunks, dtype, compressor, filters, fill_value: fill } = json;
  const type = ({ '|u1': 'uint8', '<u1': 'uint8', '<u2': 'uint16', '<u4': 'uint32' } as const)[String(dtype)];
  if (Array.isArray(filters) && filters.length > 0) refuse(where, 'filters', filters, 'none');
  const id = (compressor as { id?: string } | null)?.id;
  const names = id === undefined ? ['bytes'] : ['bytes', `${id}`];
  const inflate = INFLATED[names.at(-1)];
  return finish({
    where,
    version: 2,
    ...{ shape, fill, type, dtype },
    chunk: chunks,
    shard: undefined,
    names,
    checksum: false,
    inflate,
    forZarrita: inflate ? { ...json, compressor: null } : json,
  });
}

/** Reads `zarr.json`. @throws DataError if it is not what can be read here */
export function readV3(json: Readonly<Record<string, unknown>>, where: string): ZarrLayout {
  const { node_type: node, shape, data_type: type, chunk_grid: grid, fill_value: fill, codecs } = json;
  if (node !== 'array') refuse(where, 'node_type', node, '"array"', 'Give the path of an array in the group.');
  if ((grid as { name?: unknown } | null)?.name !== 'regular') refuse(where, 'chunk_grid', grid, 'a regular one');
  const outer = (grid as { configuration?: { chunk_shape?: unknown } }).configuration?.chunk_shape;
  const list = codecsOf(codecs, where);
  const sharding = list.length === 1 && list[0]!.name === 'sharding_indexed' ? list[0] : undefined;
  const inner = sharding ? codecsOf(sharding.configuration?.codecs, where) : list;
  const names = inner.map(({ name }) => name.replace(/^numcodecs\./, ''));
  const checksum = names.at(-1) === CHECKSUM;
  const plain = checksum ? inner.slice(0, -1) : inner;
  const inflate = INFLATED[names[plain.length - 1] ?? ''];
  const rest = inflate ? plain.slice(0, -1) : plain;
  return finish({
    where,
    version: 3,
    ...{ shape, fill },
    dtype: type,
    type: Object.hasOwn(WIDTHS, String(type)) ? (type as ZarrType) : undefined,
    chunk: sharding ? sharding.configuration?.chunk_shape : outer,
    shard: sharding ? outer : undefined,
    names,
    checksum,
    inflate,
    forZarrita: {
      ...json,
      codecs: sharding ? [{ ...sharding, configuration: { ...sharding.configuration, codecs: rest } }] : rest,
    },
  });
}

function codecsOf(codecs: unknown, where: string): readonly Codec[] {
  if (Array.isArray(codecs) && codecs.every((codec) => typeof (codec as Codec | null)?.name === 'string'))
    return codecs as Codec[];
  refuse(where, 'codecs', codecs, 'a list of codecs with names');
}

interface Read extends Pick<ZarrLayout, 'version' | 'checksum' | 'inflate' | 'forZarrita'> {
  readonly where: string;
  readonly shape: unknown;
  readonly chunk: unknown;
  readonly shard: unknown;
  readonly type: ZarrType | undefined;
  readonly dtype: unknown;
  readonly names: readonly string[];
  readonly fill: unknown;
}

function finish({ where, shape, chunk, shard, type, dtype, names, fill, ...rest }: Read): ZarrLayout {
  if (!type) refuse(where, 'dtype', dtype, 'unsigned integers of 1, 2 or 4 bytes, little-endian');
  const [documents, columns] = pair(where, 'shape', shape, 2 ** 40);
  const chunkShape = pair(where, 'chunk shape', chunk, 2 ** 40);
  const chunkBytes = chunkShape[0] * chunkShape[1] * WIDTHS[type];
  if (chunkBytes > LARGEST_CHUNK) {
    refuse(
      where,
      'chunk shape',
      chunkShape,
      `chunks of at most ${LARGEST_CHUNK / 2 ** 20} MiB, as they are held whole`,
    );
  }
  const shardShape = shard === undefined ? undefined : pair(where, 'shard shape', shard, 2 ** 40);
  if (shardShape) {
    const count = (shardShape[0] / chunkShape[0]) * (shardShape[1] / chunkShape[1]);
    const whole = shardShape.every((size, i) => size % chunkShape[i]! === 0);
    if (!whole || count > LARGEST_SHARD) {
      refuse(
        where,
        'shard shape',
        shardShape,
        `whole chunks of ${chunkShape.join(' × ')}, at most ${LARGEST_SHARD} of them`,
      );
    }
  }
  const known = names.slice(0, names.length - (rest.checksum ? 1 : 0) - (rest.inflate ? 1 : 0));
  const unknown = known.find((name) => !BOUNDED.includes(name));
  if (unknown !== undefined) {
    const last = Object.keys(INFLATED).join(' or ');
    refuse(where, 'codec', unknown, `one of ${BOUNDED.join(', ')}, ${last} behind them, and ${CHECKSUM} as the last`);
  }
  return {
    ...rest,
    dtype: type,
    documents,
    columns,
    chunk: chunkShape,
    shard: shardShape,
    codecs: names,
    chunkBytes,
    fill: typeof fill === 'number' ? fill : 0,
  };
}

function pair(where: string, what: string, value: unknown, most: number): readonly [number, number] {
  const sound =
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((size) => Number.isSafeInteger(size) && (size as number) >= 1 && (size as number) <= most);
  if (sound) return value as unknown as readonly [number, number];
  refuse(where, what, value, 'two sizes: documents and tokens');
}

function refuse(where: string, what: string, value: unknown, expected: string, remedy?: string): never {
  throw new DataError({ what: `${what} of ${where}`, value, expected, remedy });
}
