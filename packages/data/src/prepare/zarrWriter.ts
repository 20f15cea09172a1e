// Documents of one length as a Zarr array. Documents gather in a file until there is a row of chunks; then its chunks are
// cut out of it, encoded and written one by one, so that memory holds one chunk, not a row of them.
import { ConfigError, requireWhole } from '@sympow/core';
import { fileAt, type FolderStorage } from '@sympow/storage';
import type { TokenArray, Tokenizer } from '../api';
import type { TokenMeta } from '../datasets/tokenMeta';
import { ATTRIBUTE } from '../datasets/zarr';
import type { Compressor, PrepareZarrOptions } from './api';
import { withChecksum } from '../crc32c';
import type { Written } from './journal';
import type { Writer } from './writer';

/** The options of an array with their defaults. */
export interface ZarrSettings {
  readonly version: 2 | 3;
  readonly length: number;
  readonly chunk: readonly [documents: number, tokens: number];
  readonly compressor: Compressor;
  readonly documents: number | undefined;
  readonly cycle: boolean;
}

/** @throws ConfigError for an option out of range */
export function zarrOptions(options: PrepareZarrOptions): ZarrSettings {
  const { version = 3, length = 65_536, chunk = [2048, 2048], compressor = 'zstd', documents, cycle = false } = options;
  if (version !== 2 && version !== 3) throw new ConfigError({ what: 'version', value: version, expected: '2 or 3' });
  requireWhole('length', length, 1);
  if (!Array.isArray(chunk) || chunk.length !== 2) {
    throw new ConfigError({ what: 'chunk', value: chunk, expected: 'two sizes: documents and tokens' });
  }
  requireWhole('documents of a chunk', chunk[0], 1);
  requireWhole('tokens of a chunk', chunk[1], 1);
  if (chunk[0] * chunk[1] > 2 ** 26) {
    throw new ConfigError({ what: 'chunk', value: chunk, expected: `at most ${2 ** 26} tokens, as it is held whole` });
  }
  if (documents !== undefined) requireWhole('documents', documents, 1);
  if (cycle && documents === undefined) {
    throw new ConfigError({ what: 'cycle', value: cycle, expected: 'a number of documents at which to end' });
  }
  if (!['zstd', 'blosc', 'none'].includes(compressor)) {
    throw new ConfigError({ what: 'compressor', value: compressor, expected: 'zstd, blosc or none' });
  }
  return { version, length, chunk: [chunk[0], Math.min(chunk[1], length)], compressor, documents, cycle };
}

/**
 * @param place - the folder that the array will lie in
 * @param partial - the name of the folder in it that holds what is under way
 */
export async function zarrWriter(
  place: FolderStorage,
  partial: string,
  out: string,
  tokenizer: Tokenizer,
  settings: ZarrSettings,
  written: Written,
): Promise<Writer> {
  const folder = place.folder(partial);
  const { length, chunk } = settings;
  const dtype = tokenizer.vocabSize <= 2 ** 16 ? 'uint16' : 'uint32';
  const Ids = dtype === 'uint16' ? Uint16Array : Uint32Array;
  const width = Ids.BYTES_PER_ELEMENT;
  const [rows, columns] = chunk;
  const encode = await chunkEncoder(settings);
  // Documents of the row of chunks that is not written. A row of chunks has a file of its own, which stays until the journal
  // knows of a later one.
  const waiting = (row: number) => `waiting.${row}`;
  let documents = written.documents;
  let first = Math.max(0, Math.ceil(documents / rows) - 1) * rows;
  let gathered = await folder.grow(waiting(first / rows), (documents - first) * length * width);
  let unneeded: string[] = [];
  let unneededNext: string[] = [];

  async function writeRow(): Promise<void> {
    const count = documents - first;
    const stripe = new Uint8Array(columns * width);
    for (let column = 0; column * columns < length; column++) {
      const from = column * columns;
      const part = stripe.subarray(0, (Math.min(from + columns, length) - from) * width);
      const ids = new Ids(rows * columns);
      const bytes = new Uint8Array(ids.buffer);
      for (let document = 0; document < count; document++) {
        await gathered.read(part, (document * length + from) * width);
        bytes.set(part, document * columns * width);
      }
      const key = settings.version === 2 ? `${first / rows}.${column}` : `c/${first / rows}/${column}`;
      const { storage, name } = fileAt(folder, key);
      await storage.write(name, await encode(ids));
    }
  }

  return {
    async add(document: TokenArray) {
      if (documents - first === rows) {
        await writeRow();
        await gathered.close();
        unneededNext.push(waiting(first / rows));
        first += rows;
        gathered = await folder.grow(waiting(first / rows), 0);
      }
      await gathered.append(new Uint8Array(Ids.from(document).buffer));
      documents++;
      return document.length;
    },
    async flush() {
      await gathered.flush();
      for (const file of unneeded) await folder.remove(file);
      unneeded = unneededNext;
      unneededNext = [];
    },
    async finish({ tokens }) {
      await writeRow();
      const meta: TokenMeta = {
        version: 1,
        tokenizer: tokenizer.name,
        vocabSize: tokenizer.vocabSize,
        endOfText: tokenizer.endOfText ?? null,
        documents,
        tokens,
      };
      await folder.write('tokenizer.json', JSON.stringify(tokenizer));
      for (const [name, json] of Object.entries(describe(settings, dtype, documents, { [ATTRIBUTE]: meta }))) {
        await folder.write(name, `${JSON.stringify(json, null, 2)}\n`);
      }
      await gathered.close();
      for (const name of await folder.list()) {
        if (/^waiting\.\d+$|^prepare\.json$/.test(name)) await folder.remove(name);
      }
      await place.rename(partial, out);
    },
    close: () => gathered.close().catch(() => undefined),
  };
}

/** The files that describe an array. */
function describe(
  { version, length, chunk, compressor }: ZarrSettings,
  dtype: 'uint16' | 'uint32',
  documents: number,
  attributes: object,
): Record<string, object> {
  const shape = [documents, length];
  if (version === 2) {
    const blosc = { id: 'blosc', cname: 'lz4', clevel: 5, shuffle: 1, blocksize: 0 };
    const zstd = { id: 'zstd', level: 3 };
    const array = {
      zarr_format: 2,
      shape,
      chunks: chunk,
      dtype: dtype === 'uint16' ? '<u2' : '<u4',
      compressor: { none: null, zstd, blosc }[compressor],
      fill_value: 0,
      order: 'C',
      filters: null,
      dimension_separator: '.',
    };
    return { '.zattrs': attributes, '.zarray': array };
  }
  const array = {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: dtype,
    chunk_grid: { name: 'regular', configuration: { chunk_shape: chunk } },
    chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
    fill_value: 0,
    codecs: codecsOf(compressor, dtype),
    attributes,
  };
  return { 'zarr.json': array };
}

function codecsOf(compressor: Compressor, dtype: 'uint16' | 'uint32') {
  const typesize = dtype === 'uint16' ? 2 : 4;
  const blosc = { cname: 'lz4', clevel: 5, shuffle: 'shuffle', typesize, blocksize: 0 };
  const codecs = {
    none: [],
    zstd: [{ name: 'zstd', configuration: { level: 3, checksum: false } }],
    blosc: [{ name: 'blosc', configuration: blosc }],
  }[compressor];
  return [{ name: 'bytes', configuration: { endian: 'little' } }, ...codecs, { name: 'crc32c' }];
}

/** Encodes chunks with the codecs of numcodecs. */
async function chunkEncoder({ version, compressor }: ZarrSettings) {
  const codec = await compressorOf(compressor);
  return async (ids: Uint16Array | Uint32Array): Promise<Uint8Array> => {
    const plain = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
    const bytes = codec ? await codec.encode(plain) : plain;
    return version === 3 ? withChecksum(bytes) : bytes;
  };
}

async function compressorOf(compressor: Compressor) {
  switch (compressor) {
    case 'none':
      return undefined;
    case 'zstd':
      return (await import('numcodecs/zstd')).default.fromConfig({ id: 'zstd', level: 3 });
    case 'blosc': {
      // It always takes elements for four bytes wide, which its header says.
      const { default: Blosc } = await import('numcodecs/blosc');
      return Blosc.fromConfig({ id: 'blosc', cname: 'lz4', clevel: 5, shuffle: 1, blocksize: 0 });
    }
  }
}
