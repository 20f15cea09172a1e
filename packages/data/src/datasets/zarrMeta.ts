// What a Zarr array says of itself, version 2 or 3. Everything in it may be anything: it is read field by field, and what is not
// understood is refused.
//
// https://zarr-specs.readthedocs.io
import { WIDTHS, layoutOf, refuse, type ShardIndex, type ZarrLayout, type ZarrType } from './zarrLayout';

/** Most codecs, one behind the other. */
const MOST_CODECS = 8;

const V2_TYPES: Readonly<Record<string, ZarrType>> = {
  '|u1': 'uint8',
  '<u1': 'uint8',
  '>u1': 'uint8',
  '<u2': 'uint16',
  '>u2': 'uint16',
  '<u4': 'uint32',
  '>u4': 'uint32',
};

/** An object of strangers. */
type Json = Readonly<Record<string, unknown>>;

/** Reads `.zarray`. @throws DataError if it is not what can be read here */
export function readV2(json: Json, where: string): ZarrLayout {
  const { zarr_format: format, shape, chunks, dtype, compressor, filters, fill_value: fill, order } = json;
  const { dimension_separator: separator = '.' } = json;
  if (format !== 2) refuse(where, 'zarr_format', format, '2');
  const type = typeof dtype === 'string' && Object.hasOwn(V2_TYPES, dtype) ? V2_TYPES[dtype] : undefined;
  if (!(filters === null || filters === undefined || (Array.isArray(filters) && filters.length === 0))) {
    refuse(where, 'filters', filters, 'none');
  }
  if (order !== undefined && order !== 'C' && order !== 'F') refuse(where, 'order', order, '"C" or "F"');
  if (separator !== '.' && separator !== '/') refuse(where, 'dimension_separator', separator, '"." or "/"');
  const id = compressor === null || compressor === undefined ? undefined : objectOf(compressor)?.['id'];
  if (id !== undefined && typeof id !== 'string') refuse(where, 'compressor', compressor, 'one with an id');
  if (id === undefined && compressor) refuse(where, 'compressor', compressor, 'one with an id');
  return layoutOf({
    where,
    version: 2,
    ...{ shape, dtype, type },
    chunk: chunks,
    shard: undefined,
    names: id === undefined ? ['bytes'] : ['bytes', id],
    swapped: typeof dtype === 'string' && dtype.startsWith('>'),
    transposed: order === 'F',
    fill: fill ?? undefined,
    key: (row, column) => `${row}${separator}${column}`,
  });
}

/** Reads `zarr.json`. @throws DataError if it is not what can be read here */
export function readV3(json: Json, where: string): ZarrLayout {
  const { zarr_format: format, node_type: node, shape, data_type: type, fill_value: fill } = json;
  if (format !== 3) refuse(where, 'zarr_format', format, '3');
  if (node !== 'array') refuse(where, 'node_type', node, '"array"', 'Give the path of an array in the group.');
  const grid = named(json['chunk_grid']);
  if (grid?.name !== 'regular') refuse(where, 'chunk_grid', json['chunk_grid'], 'a regular one');
  const transformers = json['storage_transformers'];
  if (!(transformers === undefined || (Array.isArray(transformers) && transformers.length === 0))) {
    refuse(where, 'storage_transformers', transformers, 'none');
  }
  if (fill === undefined) refuse(where, 'fill_value', fill, 'a token');
  const outer = grid.configuration['chunk_shape'];
  const list = codecsOf(json['codecs'], where);
  const sharding = list.length === 1 && list[0]!.name === 'sharding_indexed' ? list[0]!.configuration : undefined;
  const inner = sharding ? codecsOf(sharding['codecs'], where) : list;
  return layoutOf({
    where,
    version: 3,
    ...{ shape, dtype: type, fill },
    type: typeof type === 'string' && Object.hasOwn(WIDTHS, type) ? (type as ZarrType) : undefined,
    chunk: sharding ? sharding['chunk_shape'] : outer,
    shard: sharding && { shape: outer, index: indexOf(sharding, where) },
    names: inner.map(({ name }) => name),
    swapped: inner.some((codec) => codec.name === 'bytes' && isSwapped(codec, where)),
    transposed: inner.filter((codec) => codec.name === 'transpose' && isTransposed(codec, where)).length % 2 === 1,
    key: keysOf(json['chunk_key_encoding'], where),
  });
}

/** A codec, a grid or a way of naming chunks: its name, alone or with a configuration. */
interface Named {
  readonly name: string;
  readonly configuration: Json;
}

function named(value: unknown): Named | undefined {
  if (typeof value === 'string') return { name: value, configuration: {} };
  const { name, configuration = {} } = objectOf(value) ?? {};
  const settings = objectOf(configuration);
  return typeof name === 'string' && settings ? { name, configuration: settings } : undefined;
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function codecsOf(codecs: unknown, where: string): readonly Named[] {
  const list = Array.isArray(codecs) && codecs.length <= MOST_CODECS ? codecs.map(named) : [undefined];
  if (!list.every((codec) => codec !== undefined)) {
    refuse(where, 'codecs', codecs, `a list of at most ${MOST_CODECS} codecs with names`);
  }
  return list.map(({ name, configuration }) => ({ name: name.replace(/^numcodecs\./, ''), configuration }));
}

function isSwapped({ configuration: { endian } }: Named, where: string): boolean {
  if (endian === undefined || endian === 'little' || endian === 'big') return endian === 'big';
  refuse(where, 'endian', endian, '"little" or "big"');
}

function isTransposed({ configuration: { order } }: Named, where: string): boolean {
  const text = JSON.stringify(order);
  if (text === '"F"' || text === '[1,0]') return true;
  if (text === '"C"' || text === '[0,1]') return false;
  refuse(where, 'order', order, 'the two dimensions');
}

function indexOf(sharding: Json, where: string): ShardIndex {
  const { index_location: location = 'end', index_codecs: codecs } = sharding;
  if (location !== 'end' && location !== 'start') refuse(where, 'index_location', location, '"end" or "start"');
  const [bytes, checksum, more] = codecsOf(codecs, where);
  if (bytes?.name !== 'bytes' || (checksum && checksum.name !== 'crc32c') || more) {
    refuse(where, 'index_codecs', codecs, 'bytes, and crc32c behind it or nothing');
  }
  return { atEnd: location === 'end', checksum: checksum !== undefined, swapped: isSwapped(bytes, where) };
}

function keysOf(encoding: unknown, where: string): ZarrLayout['key'] {
  const { name, configuration } = named(encoding) ?? {};
  const { separator = name === 'v2' ? '.' : '/' } = configuration ?? {};
  if ((name !== 'default' && name !== 'v2') || (separator !== '/' && separator !== '.')) {
    refuse(where, 'chunk_key_encoding', encoding, '"default" or "v2", with "/" or "." between');
  }
  const front = name === 'default' ? `c${separator}` : '';
  return (row, column) => `${front}${row}${separator}${column}`;
}
