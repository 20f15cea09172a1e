// Flat files of tokens, as nanoGPT has them: ids of two or four bytes, little-endian, one after another, and the end-of-text
// token behind each document.
import { ConfigError, isSympowError } from '@sympow/core';
import { ByteCache, openFile, readWhole, type Storage } from '@sympow/storage';
import type { Dataset, DatasetOptions, TokenSource } from '../api';
import { DataError } from '../errors';
import { requireReading } from '../options';
import { joinSources, readTarget } from '../source';
import { reading } from './reading';
import {
  DESCRIPTION_BYTES,
  lostDescription,
  meaningOf,
  readJSON,
  requireMeta,
  TOKENIZER_BYTES,
  type TokenMeta,
} from './tokenMeta';

/** Bytes read at once. */
const PAGE = 2 ** 18;

/** What stands beside `x.bin` in `x.bin.json`. */
export interface BinMeta extends TokenMeta {
  readonly dtype: BinType;
}

/** Types of a token in a file, little-endian. */
export type BinType = 'uint16' | 'uint32';

/** Options of `binFile`. */
export interface BinOptions extends DatasetOptions {
  /** `uint16` unless `x.bin.json` or this says otherwise. */
  dtype?: BinType | undefined;
}

/**
 * A source of a `.bin` file. A document goes from behind an end-of-text token up to and with the next one, and has one in
 * front of it, so that its first token has something to be predicted from. Where documents begin stands in `x.bin.index`, as
 * `prepare` writes it; without that, all of the file is read once to find out.
 *
 * @param location - a path or an address
 * @throws DataError if it is no such file, or holds an id outside of the vocabulary (when that is read)
 *
 * @example
 * ```ts
 * const source = await binFile('openwebtext/train.bin'); // or an address: https://…/train.bin
 * ```
 */
export async function binFile(location: string, options: BinOptions = {}): Promise<TokenSource> {
  const { cacheBytes, damaged } = requireReading(location, options);
  const { storage, name: key } = openFile(location, reading(options.http));
  const where = `${storage.path}/${key}`;
  const meta = requireMeta(await readJSON(storage, `${key}.json`, DESCRIPTION_BYTES), where) as BinMeta | undefined;
  if (!meta && !options.tokenizer && (await storage.size(`${key}.index`)) !== undefined) {
    throw lostDescription(where, `${key}.index`);
  }
  const dtype = options.dtype ?? meta?.dtype ?? 'uint16';
  if (dtype !== 'uint16' && dtype !== 'uint32') {
    throw new ConfigError({ what: 'dtype', value: dtype, expected: '"uint16" or "uint32"' });
  }
  const width = dtype === 'uint16' ? 2 : 4;
  const size = await storage.size(key);
  if (size === undefined) throw new DataError({ what: 'file', value: where, expected: 'a file that is there' });
  const tokens = size / width;
  if (!Number.isInteger(tokens) || (meta && meta.tokens !== tokens)) {
    const expected = meta ? `${meta.tokens * width} bytes, as ${key}.json says` : `a multiple of ${width} bytes`;
    throw new DataError({
      what: `size of ${where}`,
      value: size,
      expected,
      remedy: 'It may be cut off or be read as another dtype.',
    });
  }
  const stored = () => readJSON(storage, `${key}.tokenizer.json`, TOKENIZER_BYTES);
  const { tokenizer, vocabSize, endOfText, notes } = await meaningOf(where, meta, stored, options.tokenizer);
  const cache = new ByteCache<Uint16Array | Uint32Array>(cacheBytes);
  const said = [...notes];

  /** Page p holds tokens p·n … */
  const perPage = PAGE / width;
  async function page(p: number): Promise<Uint16Array | Uint32Array> {
    const bytes = await storage.read(key, p * PAGE, Math.min((p + 1) * PAGE, size!));
    const ids = width === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
    const at = ids.findIndex((id) => id >= vocabSize);
    if (at < 0) return ids;
    throw new DataError({
      what: `token ${p * perPage + at} of ${where}`,
      value: ids[at],
      expected: `below the vocabulary of ${vocabSize}`,
      remedy: 'The file is damaged, of another dtype or of another tokenizer.',
    });
  }
  const skipped = new Set<number>();
  async function load(p: number): Promise<Uint16Array | Uint32Array | undefined> {
    if (skipped.has(p)) return undefined;
    try {
      return await cache.get(String(p), () => page(p));
    } catch (error) {
      if (damaged === 'fail' || !isSympowError(error, 'DATA') || !error.message.startsWith('token ')) throw error;
      skipped.add(p);
      said.push(`skipped ${perPage} tokens: ${error.message}`);
      return undefined;
    }
  }

  /** Tokens of the file from … to − 1; the one before the first is the end of text. */
  async function readTokens(from: number, target: Int32Array): Promise<Int32Array> {
    for (let done = 0; done < target.length;) {
      const at = from + done;
      if (at < 0) {
        target[done++] = endOfText!;
        continue;
      }
      const p = Math.floor(at / perPage);
      const ids = await load(p);
      const count = Math.min(target.length - done, (p + 1) * perPage - at);
      if (ids) target.set(ids.subarray(at - p * perPage, at - p * perPage + count), done);
      else target.fill(-1, done, done + count);
      done += count;
    }
    return target;
  }

  const ends =
    (await readIndex(storage, `${key}.index`, meta, tokens)) ?? (await findEnds(tokens, perPage, endOfText, load));
  if (meta && meta.documents !== ends.length) {
    throw new DataError({
      what: `documents of ${where}`,
      value: ends.length,
      expected: `${meta.documents}, as ${key}.json says`,
      remedy: `Fetch ${key}.index, which is not there.`,
    });
  }
  /** The token in front of a document belongs to the one before it, and to none before the first. */
  const front = endOfText === undefined ? 0 : 1;
  const begin = (document: number) => (document === 0 ? 0 : ends[document - 1]!) - front;
  const source: TokenSource = {
    name: location,
    vocabSize,
    tokenizer,
    documentCount: ends.length,
    tokenCount: tokens + front * ends.length,
    notes: said,
    details: { kind: 'bin', dtype, bytes: String(size) },
    documentName: (document) => `${key}#${document}`,
    documentLength: (document) => ends[document]! - begin(document),
    async read(document, from, to, out) {
      const target = readTarget(source, document, from, to, out);
      return readTokens(begin(document) + from, target);
    },
  };
  return source;
}

/** Where documents end, as `prepare` wrote it. */
async function readIndex(
  storage: Storage,
  key: string,
  meta: BinMeta | undefined,
  tokens: number,
): Promise<Float64Array | undefined> {
  if (!meta) return undefined;
  const bytes = await readWhole(storage, key, meta.documents * 8);
  if (!bytes) return undefined;
  // What is left over behind the last whole number is one number too many.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = Float64Array.from({ length: Math.ceil(bytes.length / 8) }, (_, i) =>
    8 * (i + 1) <= bytes.length ? Number(view.getBigUint64(8 * i, true)) : NaN,
  );
  const sound =
    ends.length === meta.documents && ends.every((end, i) => end > (ends[i - 1] ?? 0)) && (ends.at(-1) ?? 0) === tokens;
  if (sound) return ends;
  throw new DataError({
    what: `index ${storage.path}/${key}`,
    value: bytes.length / 8,
    expected: `${meta.documents} ends of documents in order, the last at ${tokens}`,
    remedy: 'Make the dataset again.',
  });
}

/** Where documents end, from the tokens themselves: all one document where no token ends one. */
async function findEnds(
  tokens: number,
  perPage: number,
  endOfText: number | undefined,
  load: (page: number) => Promise<Uint16Array | Uint32Array | undefined>,
): Promise<Float64Array> {
  const ends: number[] = [];
  if (endOfText !== undefined) {
    for (let p = 0; p * perPage < tokens; p++) {
      const ids = await load(p);
      if (!ids) continue;
      for (let at = ids.indexOf(endOfText); at >= 0; at = ids.indexOf(endOfText, at + 1))
        ends.push(p * perPage + at + 1);
    }
  }
  if (tokens > (ends.at(-1) ?? 0)) ends.push(tokens);
  return Float64Array.from(ends);
}

/** Files that end in `.bin`; several are one source after another. */
export const binDataset: Dataset = {
  name: 'bin',
  accepts: (path) => /\.bin(?:[?#].*)?$/.test(path),
  open: async (paths, options) => joinSources(await Promise.all(paths.map((path) => binFile(path, options)))),
};
