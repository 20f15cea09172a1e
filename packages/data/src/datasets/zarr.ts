// Zarr arrays of tokens in the layout of LongCrawl64: [documents, tokens], one document a row.
//
// https://manifestai.com/articles/longcrawl64/ and https://zarr-specs.readthedocs.io
import { folderStorage, isAddress, lastName, openStorage, type Storage } from '@sympow/storage';
import type { Dataset, DatasetOptions, TokenSource } from '../api';
import { DataError } from '../errors';
import { requireReading } from '../options';
import { joinSources, readTarget } from '../source';
import { reading } from './reading';
import { DESCRIPTION_BYTES, meaningOf, readJSON, requireMeta, TOKENIZER_BYTES } from './tokenMeta';
import { openChunks, type Chunk } from './zarrChunks';
import type { ZarrLayout } from './zarrLayout';
import { readV2, readV3 } from './zarrMeta';

/** Where `prepare` puts what tokens mean among the attributes of an array. */
export const ATTRIBUTE = 'sympow';

/**
 * A source of a Zarr array, version 2 or 3, sharded or not, in a folder or on a server. Where the tokenizer has an
 * end-of-text token, every document has one in front of it: inputs are then the tokens shifted right by one, and all tokens
 * are targets. Chunks are read when they are needed, each once as long as the cache holds them.
 *
 * @param location - a path or an address
 * @throws DataError if there is no such array, or one that does not hold tokens; while reading, if a chunk is damaged or
 * missing, or a server does not answer
 *
 * @example
 * ```ts
 * const source = await zarrArray('https://example.org/longcrawl64/heldout.zarr', { tokenizer: await gpt2Tokenizer() });
 * ```
 */
export async function zarrArray(location: string, options: DatasetOptions = {}): Promise<TokenSource> {
  const { cacheBytes, damaged } = requireReading(location, options);
  const storage = openStorage(location, reading(options.http));
  const { layout, attributes } = await readLayout(storage, location);
  const meta = requireMeta((attributes as Record<string, unknown> | null | undefined)?.[ATTRIBUTE], location);
  const stored = () => readJSON(storage, 'tokenizer.json', TOKENIZER_BYTES);
  const meaning = await meaningOf(location, meta, stored, options.tokenizer);
  const { tokenizer, vocabSize, endOfText } = meaning;
  const notes = [...meaning.notes];
  const chunks = openChunks(storage, layout, {
    vocabSize,
    cacheBytes,
    skip: damaged === 'skip',
    complete: meta !== undefined,
    onNote: (message) => notes.push(message),
    signal: options.http?.signal,
  });
  const [rows, columns] = layout.chunk;
  const front = endOfText === undefined ? 0 : 1;
  const length = layout.columns + front;

  /** Copies from a chunk what it has of a document; returns how many tokens that is. */
  function copy(chunk: Chunk | null, document: number, at: number, target: Int32Array): number {
    const begin = at % columns;
    const count = Math.min(target.length, columns - begin);
    if (!chunk) {
      target.fill(-1, 0, count);
      return count;
    }
    const { data, stride } = chunk;
    const first = (document % rows) * stride[0] + begin * stride[1];
    if (stride[1] === 1) target.set(data.subarray(first, first + count));
    else for (let i = 0; i < count; i++) target[i] = data[first + i * stride[1]]!;
    return count;
  }

  function read(document: number, from: number, target: Int32Array): Int32Array | Promise<Int32Array> {
    const row = Math.floor(document / rows);
    let done = 0;
    if (from < front && target.length > 0) target[done++] = endOfText!;
    while (done < target.length) {
      const at = from - front + done;
      const chunk = chunks.peek(row, Math.floor(at / columns));
      if (chunk === undefined) return rest(document, from, target, done);
      done += copy(chunk, document, at, target.subarray(done));
    }
    return target;
  }

  async function rest(document: number, from: number, target: Int32Array, done: number): Promise<Int32Array> {
    const row = Math.floor(document / rows);
    while (done < target.length) {
      const at = from - front + done;
      done += copy(await chunks.get(row, Math.floor(at / columns)), document, at, target.subarray(done));
    }
    return target;
  }

  const source: TokenSource = {
    name: location,
    vocabSize,
    tokenizer,
    documentCount: layout.documents,
    tokenCount: layout.documents * length,
    notes,
    details: describe(layout),
    chunks: { tokens: columns, rowOf: (document) => Math.floor(document / rows) },
    documentName: (document) => `${lastName(location)}#${document}`,
    documentLength: () => length,
    read: (document, from, to, out) => read(document, from, readTarget(source, document, from, to, out)),
  };
  return source;
}

async function readLayout(storage: Storage, location: string): Promise<{ layout: ZarrLayout; attributes: unknown }> {
  const describe = (key: string) => readJSON(storage, key, DESCRIPTION_BYTES);
  const [v3, v2] = await Promise.all([describe('zarr.json'), describe('.zarray')]);
  if (v3) return { layout: readV3(v3, location), attributes: v3['attributes'] };
  if (v2) return { layout: readV2(v2, location), attributes: await describe('.zattrs') };
  throw new DataError({
    what: 'Zarr array',
    value: location,
    message: `there is no Zarr array at ${location}`,
    expected: 'zarr.json or .zarray in it',
  });
}

function describe({ version, dtype, documents, columns, chunk, shard, codecs }: ZarrLayout): Record<string, string> {
  return {
    kind: `zarr ${version}`,
    dtype,
    shape: `${documents} × ${columns}`,
    chunks: chunk.join(' × '),
    ...(shard && { shards: shard.shape.join(' × ') }),
    codecs: codecs.join(', '),
  };
}

/** Folders and addresses that end in `.zarr`, and folders that hold an array; several are one source after another. */
export const zarrDataset: Dataset = {
  name: 'zarr',
  async accepts(path) {
    if (/\.zarr\/?(?:[?#].*)?$/.test(path)) return true;
    if (isAddress(path)) return false;
    if (typeof process === 'undefined') return false;
    const folder = folderStorage(path);
    const here = (name: string) =>
      folder
        .size(name)
        .then((size) => size !== undefined)
        .catch(() => false);
    return (await here('zarr.json')) || (await here('.zarray'));
  },
  open: async (paths, options) => joinSources(await Promise.all(paths.map((path) => zarrArray(path, options)))),
};
