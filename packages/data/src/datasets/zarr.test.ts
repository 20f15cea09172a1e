// Zarr arrays of other writers, and arrays that lie.
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenSource } from '../api';
import { withChecksum } from '../crc32c';
import { DataError } from '../errors';
import { heldOut } from '../split';
import { byteTokenizer } from '../tokenizers/bytes';
import { gpt2Tokenizer } from '../tokenizers/gpt2';
import { zarrArray } from './zarr';

let folder: string;
beforeAll(async () => void (folder = await fs.mkdtemp(join(tmpdir(), 'zarr-'))));
afterAll(() => fs.rm(folder, { recursive: true }));

type Files = Record<string, string | Uint8Array>;

let written = 0;
async function write(files: Files): Promise<string> {
  const path = join(folder, `${written++}.zarr`);
  for (const [name, contents] of Object.entries(files)) {
    await fs.mkdir(dirname(join(path, name)), { recursive: true });
    await fs.writeFile(join(path, name), contents);
  }
  return path;
}

async function tokensOf(source: TokenSource): Promise<number[][]> {
  const rows: number[][] = [];
  for (let i = 0; i < source.documentCount; i++) rows.push([...(await source.read(i, 1, source.documentLength(i)))]);
  return rows;
}

/** Token t of document d: four documents in chunks of 2 × 2, of which the last is not stored where `fill` is given. */
const tokenOf = (d: number, t: number) => 256 * d + t;
const expected = (fill?: number) =>
  [0, 1, 2, 3].map((d) => [0, 1, 2, 3].map((t) => (fill !== undefined && d > 1 && t > 1 ? fill : tokenOf(d, t))));
const [little, crc32c] = [{ name: 'bytes', configuration: { endian: 'little' } }, { name: 'crc32c' }];

function chunkOf(row: number, column: number): Uint8Array {
  const at = [0, 1].flatMap((d) => [0, 1].map((t) => tokenOf(2 * row + d, 2 * column + t)));
  return new Uint8Array(Uint16Array.from(at).buffer);
}

function v3(change: object = {}): Record<string, unknown> {
  return {
    zarr_format: 3,
    node_type: 'array',
    shape: [4, 4],
    data_type: 'uint16',
    chunk_grid: { name: 'regular', configuration: { chunk_shape: [2, 2] } },
    chunk_key_encoding: { name: 'default' },
    fill_value: 0,
    codecs: [little],
    ...change,
  };
}

interface Shard {
  readonly location: 'start' | 'end';
  readonly checksum: boolean;
  readonly fill?: number;
  /** Does harm to the index, before or after its checksum is made. */
  readonly before?: (index: BigUint64Array) => void;
  readonly after?: (index: Uint8Array) => void;
}

/** One shard with all four chunks, or all but the last. */
function sharded({ location, checksum, fill, before, after }: Shard): Files {
  const size = 64 + (checksum ? 4 : 0);
  const chunks = [chunkOf(0, 0), chunkOf(0, 1), chunkOf(1, 0), ...(fill === undefined ? [chunkOf(1, 1)] : [])];
  const index = new BigUint64Array(8).fill(2n ** 64n - 1n);
  chunks.forEach((_, i) => index.set([BigInt(i * 8 + (location === 'start' ? size : 0)), 8n], 2 * i));
  before?.(index);
  const plain = new Uint8Array(index.buffer);
  const bytes = checksum ? withChecksum(plain) : plain;
  after?.(bytes);
  const configuration = {
    chunk_shape: [2, 2],
    codecs: [little],
    index_codecs: checksum ? [little, crc32c] : [little],
    ...(location === 'start' && { index_location: location }),
  };
  const json = v3({
    chunk_grid: { name: 'regular', configuration: { chunk_shape: [4, 4] } },
    codecs: [{ name: 'sharding_indexed', configuration }],
    fill_value: fill ?? 0,
  });
  return {
    'zarr.json': JSON.stringify(json),
    'c/0/0': Buffer.concat(location === 'start' ? [bytes, ...chunks] : [...chunks, bytes]),
  };
}

describe('arrays of zarr-python', () => {
  it('are read as it reads them, chunks that are not stored as well', async () => {
    const { arrays } = JSON.parse(
      await fs.readFile(new URL('../../fixtures/zarrPython.json', import.meta.url), 'utf8'),
    ) as { arrays: { fill: number; files: Record<string, string> }[] };
    expect(arrays.length).toBe(8);
    for (const { fill, files } of arrays) {
      const decoded = Object.entries(files).map(([name, text]) => [name, Buffer.from(text, 'base64')]);
      const source = await zarrArray(await write(Object.fromEntries(decoded) as Files));
      const rows = Array.from({ length: 8 }, (_, d) =>
        Array.from({ length: 50 }, (_, t) => (d > 2 && d < 6 ? fill : (d * d * 7919 + t * t * 31) % 50257)),
      );
      expect(await tokensOf(source)).toEqual(rows);
      expect(source.notes.at(-1)).toMatch(/^chunk 1\.0 of .* is not stored; it counts as the array’s fill value/);
    }
  });
});

describe('an array by the specification', () => {
  it.each([0, 50256])('has its fill value, %d, where no chunk is stored', async (fill) => {
    const chunks = { '0/0': chunkOf(0, 0), '0/1': chunkOf(0, 1), '1/0': chunkOf(1, 0) };
    const named = (name: (key: string) => string) =>
      Object.fromEntries(Object.entries(chunks).map(([key, chunk]) => [name(key), chunk]));
    const v2 = {
      zarr_format: 2,
      shape: [4, 4],
      chunks: [2, 2],
      dtype: '<u2',
      compressor: null,
      filters: null,
      order: 'C',
    };
    for (const files of [
      { '.zarray': JSON.stringify({ ...v2, fill_value: fill }), ...named((key) => key.replace('/', '.')) },
      { 'zarr.json': JSON.stringify(v3({ fill_value: fill })), ...named((key) => `c/${key}`) },
      sharded({ location: 'end', checksum: true, fill }),
      sharded({ location: 'start', checksum: true, fill }),
    ]) {
      const source = await zarrArray(await write(files));
      expect(await tokensOf(source)).toEqual(expected(fill));
      expect(source.notes.at(-1)).toMatch(/is not stored; it counts as/);
    }
  });

  it('has no tokens where none are stored and nothing is said about that', async () => {
    const v2 = { zarr_format: 2, shape: [4, 4], chunks: [2, 2], dtype: '<u2', fill_value: null };
    const source = await zarrArray(await write({ '.zarray': JSON.stringify(v2) }));
    await expect(source.read(0, 0, 3)).rejects.toThrow(/is damaged: it is not stored, and the array has no fill value/);
  });

  it('whose fill value is no token of the vocabulary is damaged where that is read', async () => {
    const path = await write({ 'zarr.json': JSON.stringify(v3({ fill_value: 65535 })) });
    await expect((await zarrArray(path)).read(0, 0, 3)).rejects.toThrow(/it holds the token 65535/);
  });

  it('that was prepared had all of its chunks, so that one which is not there was lost', async () => {
    const sympow = { version: 1, tokenizer: 'bytes', vocabSize: 256, endOfText: null, documents: 4, tokens: 16 };
    const path = await write({ 'zarr.json': JSON.stringify(v3({ attributes: { sympow } })) });
    await expect((await zarrArray(path)).read(0, 0, 3)).rejects.toThrow(/is damaged: it is missing/);
  });

  it.each([
    ['start', true],
    ['start', false],
    ['end', true],
    ['end', false],
  ] as const)('may have the index of its shards at the %s, with a checksum or not: %s', async (location, checksum) => {
    const source = await zarrArray(await write(sharded({ location, checksum })));
    expect(await tokensOf(source)).toEqual(expected());
    expect(source.notes.filter((note) => note.includes('fill value'))).toEqual([]);
  });

  const swapped = (chunk: Uint8Array) => chunk.map((_, i) => chunk[i ^ 1]!);
  const turned = (chunk: Uint8Array) => Uint8Array.from([0, 1, 4, 5, 2, 3, 6, 7], (i) => chunk[i]!);
  const variants: { name: string; change: object; encode: (chunk: Uint8Array) => Uint8Array; front?: string }[] = [
    {
      name: 'big-endian numbers',
      change: { codecs: [{ name: 'bytes', configuration: { endian: 'big' } }] },
      encode: swapped,
    },
    { name: 'chunks named with dots', change: { chunk_key_encoding: { name: 'v2' } }, encode: (c) => c, front: '' },
    {
      name: 'names in short',
      change: { chunk_key_encoding: 'default', codecs: [little, 'crc32c'] },
      encode: withChecksum,
    },
    {
      name: 'columns beside each other',
      change: { codecs: [{ name: 'transpose', configuration: { order: [1, 0] } }, little] },
      encode: turned,
    },
  ];
  it.each(variants)('may have $name', async ({ change, encode, front }) => {
    const files: Files = { 'zarr.json': JSON.stringify(v3(change)) };
    for (const row of [0, 1]) {
      for (const column of [0, 1]) {
        files[front === '' ? `${row}.${column}` : `c/${row}/${column}`] = encode(chunkOf(row, column));
      }
    }
    expect(await tokensOf(await zarrArray(await write(files)))).toEqual(expected());
  });
});

describe('a shard that lies', () => {
  const swap = (index: BigUint64Array) => index.set([...index.slice(2, 4), ...index.slice(0, 2)]);
  it('is found out by the checksum of its index', async () => {
    const after = (index: Uint8Array) => swap(new BigUint64Array(index.buffer, 0, 8));
    const source = await zarrArray(await write(sharded({ location: 'end', checksum: true, after })));
    await expect(source.read(0, 0, 3)).rejects.toThrow(/is damaged: the checksum of its shard’s index is wrong/);
    const skipping = await zarrArray(await write(sharded({ location: 'start', checksum: true, after })), {
      damaged: 'skip',
    });
    expect(await tokensOf(skipping)).toEqual(expected().map((row) => row.map(() => -1)));
  });

  it.each([
    ['behind its end', (index: BigUint64Array) => index.set([1000n, 8n])],
    ['that is enormous', (index: BigUint64Array) => index.set([0n, 2n ** 40n])],
    ['that begins nowhere', (index: BigUint64Array) => index.set([2n ** 64n - 1n, 8n])],
    ['of nothing', (index: BigUint64Array) => index.set([0n, 0n])],
  ])('is damaged where it has a chunk %s', async (_, before) => {
    const source = await zarrArray(await write(sharded({ location: 'end', checksum: true, before })));
    await expect(source.read(0, 0, 3)).rejects.toThrow(/^chunk 0\/0 of .* is damaged: /);
    await expect(source.read(0, 0, 3)).rejects.toThrow(DataError);
    expect([...(await source.read(0, 3, 5))]).toEqual([2, 3]);
  });

  it('is damaged where it is shorter than its index', async () => {
    const path = await write({ ...sharded({ location: 'end', checksum: true }), 'c/0/0': new Uint8Array(5) });
    await expect((await zarrArray(path)).read(0, 0, 3)).rejects.toThrow(/ends after 5 bytes/);
  });
});

describe('a description that lies', () => {
  const grid = (shape: unknown) => ({ chunk_grid: { name: 'regular', configuration: { chunk_shape: shape } } });
  const inShards = (change: object) => {
    const configuration = { chunk_shape: [2, 2], codecs: [little], index_codecs: [little], ...change };
    return v3({ codecs: [{ name: 'sharding_indexed', configuration }] });
  };
  it.each([
    ['no way of naming chunks', v3({ chunk_key_encoding: undefined }), /^chunk_key_encoding of/],
    ['another way of naming chunks', v3({ chunk_key_encoding: { name: 'fancy' } }), /^chunk_key_encoding of/],
    ['names with another separator', v3({ chunk_key_encoding: { name: 'v2', configuration: { separator: '/../' } } }), /^chunk_key_encoding of/], // prettier-ignore
    ['a type in a list', v3({ data_type: ['uint16'] }), /^dtype of/],
    ['an inherited type', v3({ data_type: 'toString' }), /^dtype of/],
    ['no fill value', v3({ fill_value: undefined }), /^fill_value of/],
    ['a fill value that is too large', v3({ fill_value: 65536 }), /^fill_value of .* is 65536; expected .* 0 to 65535/],
    ['a fill value that is text', v3({ fill_value: 'NaN' }), /^fill_value of/],
    ['2⁴⁰ documents', v3({ shape: [2 ** 40, 32] }), /^shape of .*expected at most 16777216 documents/],
    ['too many tokens', v3({ shape: [2 ** 22, 2 ** 40] }), /^shape of/],
    ['too many rows of chunks', v3({ shape: [2 ** 23, 2 ** 20], ...grid([1, 2]) }), /^shape of/],
    ['codecs that are none', v3({ codecs: 'xy' }), /^codecs of/],
    ['codecs without end', v3({ codecs: [little, ...Array<object>(9).fill(crc32c)] }), /^codecs of/],
    ['no bytes', v3({ codecs: [crc32c] }), /^codecs of/],
    ['bytes twice', v3({ codecs: [little, little] }), /^codecs of/],
    ['bytes behind gzip', v3({ codecs: [{ name: 'gzip' }, little] }), /^codecs of/],
    ['transposed twice over', v3({ codecs: [{ name: 'transpose', configuration: { order: [0, 0] } }, little] }), /^order of/], // prettier-ignore
    ['another end of numbers', v3({ codecs: [{ name: 'bytes', configuration: { endian: 'middle' } }] }), /^endian of/],
    ['a configuration that is none', v3({ codecs: [{ name: 'bytes', configuration: 7 }] }), /^codecs of/],
    ['a transformer', v3({ storage_transformers: [{ name: 'x' }] }), /^storage_transformers of/],
    ['another version', v3({ zarr_format: 4 }), /^zarr_format of/],
    ['shards in shards', inShards({ codecs: [{ name: 'sharding_indexed' }] }), /^codec of .*"sharding_indexed"/],
    ['a compressed index', inShards({ index_codecs: [little, { name: 'gzip' }] }), /^index_codecs of/],
    ['no codecs of an index', inShards({ index_codecs: undefined }), /^codecs of/],
    ['an index in the middle', inShards({ index_location: 'middle' }), /^index_location of/],
    ['chunks that fill no shard', inShards({ chunk_shape: [2, 3] }), /^shard shape of/],
  ])('of %s is refused', async (_, json, message) => {
    const path = await write({ 'zarr.json': JSON.stringify(json) });
    await expect(zarrArray(path)).rejects.toThrow(message);
    await expect(zarrArray(path)).rejects.toThrow(DataError);
  });

  const v2 = {
    zarr_format: 2,
    shape: [4, 4],
    chunks: [2, 2],
    dtype: '<u2',
    compressor: null,
    filters: null,
    order: 'C',
  };
  it.each([
    [{ filters: 'xy' }, /^filters of/],
    [{ filters: {} }, /^filters of/],
    [{ filters: 0 }, /^filters of/],
    [{ dtype: ['<u2'] }, /^dtype of/],
    [{ dtype: [['a', '<u2']] }, /^dtype of/],
    [{ dtype: { toString: 1 } }, /^dtype of/],
    [{ compressor: 'zstd' }, /^compressor of/],
    [{ compressor: { id: ['zstd'] } }, /^compressor of/],
    [{ compressor: {} }, /^compressor of/],
    [{ compressor: { id: 'toString' } }, /^codec of/],
    [{ order: 'K' }, /^order of/],
    [{ dimension_separator: '../' }, /^dimension_separator of/],
    [{ shape: { 0: 4, 1: 4, length: 2 } }, /^shape of/],
    [{ shape: [4, '4'] }, /^shape of/],
    [{ chunks: [2 ** 20, 2 ** 20] }, /^chunk shape of/],
    [{ fill_value: -1 }, /^fill_value of/],
    [{ fill_value: 0.5 }, /^fill_value of/],
    [{ zarr_format: '2' }, /^zarr_format of/],
  ])('of version 2 with %j is refused', async (change, message) => {
    const path = await write({ '.zarray': JSON.stringify({ ...v2, ...change }) });
    await expect(zarrArray(path)).rejects.toThrow(message);
    await expect(zarrArray(path)).rejects.toThrow(DataError);
  });

  it('may have as many documents as can be split in an instant', async () => {
    const json = v3({ shape: [2 ** 20, 2 ** 20], ...grid([2 ** 10, 2 ** 10]) });
    const source = await zarrArray(await write({ 'zarr.json': JSON.stringify(json) }), { tokenizer: byteTokenizer() });
    expect(heldOut(source).heldOut.documentCount).toBe(2 ** 20);
  });

  it('with JSON of any depth or size is refused before it is parsed', async () => {
    const deep = await write({ 'zarr.json': '['.repeat(10_000) + ']'.repeat(10_000) });
    await expect(zarrArray(deep)).rejects.toThrow(/zarr\.json is no JSON \(more than \d+ levels/);
    const large = await write({ 'zarr.json': JSON.stringify({ ...v3(), attributes: { x: 'x'.repeat(2 ** 25) } }) });
    await expect(zarrArray(large)).rejects.toThrow(/^length of .*zarr\.json is \d+; expected at most \d+ bytes/);
    const tokenizer = await gpt2Tokenizer();
    const sympow = { version: 1, tokenizer: 'x', vocabSize: 9, endOfText: null, documents: 4, tokens: 16 };
    const json = JSON.stringify(v3({ attributes: { sympow } }));
    const open = await write({ 'zarr.json': json, 'tokenizer.json': Buffer.alloc(60e6, '[') });
    await expect(zarrArray(open)).rejects.toThrow(/tokenizer\.json is no JSON \(more than \d+ levels/);
    await expect(zarrArray(open, { tokenizer })).rejects.toThrow(DataError);
  });
});

describe('a chunk that lies', () => {
  it('takes no more memory than its array says: zstd without a size in gzip', async () => {
    // Blocks of 128 KiB of zeros, four bytes each.
    const blocks = Uint32Array.from({ length: 2 ** 14 }, (_, i) => ((2 ** 17) << 3) | 2 | (i === 2 ** 14 - 1 ? 1 : 0));
    const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x88]), new Uint8Array(blocks.buffer)]);
    const json = v3({ codecs: [little, { name: 'zstd' }, { name: 'gzip' }] });
    const source = await zarrArray(await write({ 'zarr.json': JSON.stringify(json), 'c/0/0': gzipSync(frame) }));
    const before = process.resourceUsage().maxRSS;
    await expect(source.read(0, 0, 3)).rejects.toThrow(/^chunk 0\/0 of .* is damaged: /);
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(64);
  });
});
