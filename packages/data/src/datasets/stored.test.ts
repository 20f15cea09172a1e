import { promises as fs } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '.';
import type { TokenSource } from '../api';
import { trainingBatches } from '../batches';
import { DataError } from '../errors';
import { prepare } from '../prepare/prepare';
import { tokenSource } from '../source';
import { heldOut } from '../split';
import { evaluationStreams } from '../streams';
import { byteTokenizer } from '../tokenizers/bytes';
import { gpt2Tokenizer } from '../tokenizers/gpt2';
import { binFile } from './bin';
import { zarrArray } from './zarr';

let folder: string;
let server: Server;
let address: string;
/** May spoil an answer. */
let spoil: (path: string, response: ServerResponse) => boolean = () => false;
let asked: string[] = [];

/** Documents of words whose tokens of GPT-2 differ. */
const texts = Array.from({ length: 12 }, (_, i) => {
  const bytes = new TextEncoder().encode(Array.from({ length: 400 }, (_, j) => ` ${(i * 37 + j * 11) % 997}`).join(''));
  return { name: `text ${i}`, size: bytes.length, read: async () => bytes };
});

beforeAll(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'stored-'));
  const tokenizer = await gpt2Tokenizer();
  const zarr = { length: 256, chunk: [4, 64] } as const;
  const outs = [
    { out: join(folder, 'v2.zarr'), zarr: { ...zarr, version: 2 as const } },
    { out: join(folder, 'v3.zarr'), zarr },
    { out: join(folder, 'tokens.bin') },
  ];
  for (const options of outs) for await (const _ of prepare(texts, { tokenizer, ...options }));
  server = createServer(
    (request, response) => void answer(request.url!, request.headers.range, request.method!, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await fs.rm(folder, { recursive: true });
});

async function answer(path: string, range: string | undefined, method: string, response: ServerResponse) {
  asked.push(`${method} ${path} ${range ?? ''}`);
  if (spoil(path, response)) return;
  const file = await fs.readFile(join(folder, decodeURIComponent(path))).catch(() => undefined);
  if (!file) return void response.writeHead(404).end();
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  const part = range === undefined ? file : file.subarray(Number(from), Number(to) + 1);
  response.writeHead(range === undefined ? 200 : 206, {
    'content-length': part.length,
    ...(range !== undefined && { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${file.length}` }),
  });
  response.end(method === 'HEAD' ? undefined : part);
}

async function all(source: TokenSource): Promise<number[][]> {
  const documents: number[][] = [];
  for (let i = 0; i < source.documentCount; i++)
    documents.push([...(await source.read(i, 0, source.documentLength(i)))]);
  return documents;
}

/** A copy of a dataset to do harm to. */
async function harmed(name: string, harm: (path: string) => Promise<void>): Promise<string> {
  const path = join(folder, `harmed-${Math.random()}.zarr`);
  await fs.cp(join(folder, name), path, { recursive: true });
  await harm(path);
  return path;
}

const kinds = ['v2.zarr', 'v3.zarr', 'tokens.bin'];

describe.each(kinds)('%s', (name) => {
  it('is the same on disk and on a server, read anyhow', async () => {
    const local = await openDataset(join(folder, name));
    const remote = await openDataset(`${address}/${name}`);
    const expected = await all(local);
    expect(await all(remote)).toEqual(expected);
    expect([remote.documentCount, remote.tokenCount]).toEqual([local.documentCount, local.tokenCount]);
    expect(remote.tokenizer?.name).toBe('gpt2');
    // A cache of nothing reads everything anew.
    const bare = await openDataset(join(folder, name), { cacheBytes: 0 });
    for (const [document, from, to] of [
      [0, 0, 0],
      [1, 0, 1],
      [2, 63, 66],
      [3, 1, 257],
      [11, 100, 200],
    ] as const) {
      expect([...(await bare.read(document, from, to))]).toEqual(expected[document]!.slice(from, to));
    }
    await expect(async () => local.read(0, 0, 9999)).rejects.toThrow(DataError);
    await expect(async () => local.read(local.documentCount, 0, 1)).rejects.toThrow(
      /a whole number below the \d+ documents/,
    );
  });

  it.each(['tail', 'documents'] as const)('never shows what is held out to training, by %s', async (by) => {
    const source = await openDataset(join(folder, name));
    const { train, heldOut: rest } = heldOut(source, { by, fraction: 0.25 });
    // Where each token stands in the dataset, in place of what it is.
    const begins: number[] = [];
    let begin = 0;
    for (let i = 0; i < source.documentCount; i++)
      begins.push((begin += source.documentLength(i)) - source.documentLength(i));
    const places = (part: TokenSource): TokenSource => ({ ...part, chunks: part.chunks, read: part.read });
    const marked = tokenSource(
      Array.from({ length: source.documentCount }, (_, i) => ({
        name: source.documentName(i),
        tokens: Int32Array.from({ length: source.documentLength(i) }, (_, j) => begins[i]! + j),
      })),
      { vocabSize: begin },
    );
    const twin = heldOut({ ...marked, chunks: source.chunks }, { by, fraction: 0.25 });
    const kept = new Set((await all(twin.heldOut)).flat());
    expect(kept.size).toBe(rest.tokenCount);
    for (const order of ['random', 'chunks'] as const) {
      const real = trainingBatches(places(train), { batch: 4, context: 32, seed: 2, order });
      const where = trainingBatches(twin.train, { batch: 4, context: 32, seed: 2, order });
      const flat = (await all(source)).flat();
      for (let step = 0; step < 60; step++) {
        const [batch, at] = [await real.next(), await where.next()];
        for (const place of [...at.inputs, ...at.targets]) expect(place >= 0 && kept.has(place)).toBe(false);
        // The twin is read at the same places.
        expect([...batch.inputs]).toEqual([...at.inputs].map((place) => flat[place]!));
        expect([...batch.targets]).toEqual([...at.targets].map((place) => (place < 0 ? -1 : flat[place]!)));
      }
    }
  });

  it('goes on from a cursor in another process', async () => {
    const first = trainingBatches(await openDataset(join(folder, name)), { batch: 3, context: 40, seed: 5 });
    for (let step = 0; step < 7; step++) await first.next();
    const cursor = JSON.parse(JSON.stringify(first.cursor())) as ReturnType<typeof first.cursor>;
    const again = trainingBatches(await openDataset(`${address}/${name}`), { batch: 3, context: 40, cursor });
    for (let step = 0; step < 5; step++) expect(await again.next()).toEqual(await first.next());
  });

  it('reads nothing twice that the cache holds', async () => {
    const source = await openDataset(`${address}/${name}`);
    asked = [];
    await all(source);
    const once = asked.length;
    await all(source);
    expect(asked.length).toBe(once);
    expect(new Set(asked).size).toBe(once);
  });
});

describe('a Zarr array', () => {
  it('has the end of text in front of each document, so that all tokens are targets', async () => {
    const source = await openDataset(join(folder, 'v2.zarr'));
    expect([source.documentLength(0), source.chunks!.tokens, source.details!['chunks']]).toEqual([257, 64, '4 × 64']);
    for await (const group of evaluationStreams(source, { length: 256, batch: 12 })) {
      for await (const { inputs, targets } of group.pieces(256)) {
        for (let row = 0; row < 12; row++) expect(inputs[row * 256]).toBe(50256);
        expect(targets.every((id) => id >= 0 && id < 50256)).toBe(true);
      }
    }
  });

  it.each([
    ['cut off', 'v2.zarr', '0.1', async (file: string) => fs.truncate(file, 20)],
    ['missing', 'v2.zarr', '0.1', async (file: string) => fs.rm(file)],
    ['no Zstandard', 'v2.zarr', '0.1', async (file: string) => fs.writeFile(file, Buffer.alloc(300, 7))],
    ['too large', 'v2.zarr', '0.1', async (file: string) => fs.writeFile(file, Buffer.alloc(1e6, 7))],
    ['flipped in one bit', 'v3.zarr', 'c/0/1', flip],
    ['cut off', 'v3.zarr', 'c/0/1', async (file: string) => fs.truncate(file, 100)],
  ])('with a chunk that is %s (%s) names it, and skips it only when asked', async (_, name, chunk, harm) => {
    const path = await harmed(name, async (at) => harm(join(at, chunk)));
    const shown = chunk.replace('c/', '');
    const source = await zarrArray(path);
    const whole = await all(await zarrArray(join(folder, name)));
    expect([...(await source.read(0, 0, 65))]).toEqual(whole[0]!.slice(0, 65));
    expect([...(await source.read(4, 0, 257))]).toEqual(whole[4]);
    const message = new RegExp(`^chunk ${shown} of .*\\.zarr is damaged: .*; expected 4 × 64 tokens\\. .*skip`);
    await expect(source.read(2, 60, 70)).rejects.toThrow(message);
    await expect(source.read(2, 60, 70)).rejects.toThrow(DataError);

    const skipping = await zarrArray(path, { damaged: 'skip' });
    const expected = whole.map((ids, i) => (i < 4 ? ids.map((id, at) => (at >= 65 && at < 129 ? -1 : id)) : ids));
    expect(await all(skipping)).toEqual(expected);
    expect(skipping.notes).toHaveLength(1);
    expect(skipping.notes[0]).toMatch(new RegExp(`^skipped chunk ${shown} of`));
    // Lost tokens are no targets, and some token as inputs.
    const rows = skipping.documentCount * 2;
    const batches = trainingBatches(skipping, { batch: rows, context: 128, order: 'chunks' });
    const { inputs, targets } = await batches.next();
    expect(inputs.every((id) => id >= 0)).toBe(true);
    expect(targets.filter((id) => id < 0).length).toBeGreaterThan(0);
  });

  it('whose server stays away skips nothing', async () => {
    const options = { damaged: 'skip', http: { retries: 1, pause: 1 } } as const;
    const source = await zarrArray(`${address}/v2.zarr`, options);
    spoil = (path, response) => path.endsWith('/0.1') && !!response.writeHead(503).end();
    await expect(source.read(0, 60, 70)).rejects.toThrow(/cannot read http.*tried 2 times/);
    spoil = () => false;
    expect([...(await source.read(0, 60, 70))].every((id) => id >= 0)).toBe(true);
    expect(source.notes).toEqual([]);
  });

  it('goes on after connections that were cut', async () => {
    let cuts = 0;
    const retries: string[] = [];
    spoil = (_, response) => Math.random() < 0.3 && !!++cuts && !!response.destroy();
    const http = { pause: 1, retries: 20, onRetry: (message: string) => void retries.push(message) };
    const source = await zarrArray(`${address}/v3.zarr`, { http });
    expect(await all(source)).toEqual(await all(await zarrArray(join(folder, 'v3.zarr'))));
    spoil = () => false;
    expect(cuts).toBeGreaterThan(0);
    expect(retries.length).toBeGreaterThanOrEqual(cuts);
  });

  it('without a description of ours is read as GPT-2, and says so', async () => {
    const path = await harmed('v2.zarr', async (at) => {
      await fs.rm(join(at, '.zattrs'));
      await fs.rm(join(at, 'tokenizer.json'));
    });
    const source = await openDataset(path);
    expect(source.notes[0]).toMatch(/does not say which tokenizer it was made with; it is read as gpt2/);
    expect(await all(source)).toEqual(await all(await openDataset(join(folder, 'v2.zarr'))));
    expect((await zarrArray(path, { tokenizer: await gpt2Tokenizer() })).notes).toEqual([]);
  });

  const v2 = (change: object) => (at: string) => edit(join(at, '.zarray'), change);
  const v3 = (change: object) => (at: string) => edit(join(at, 'zarr.json'), change);
  it.each([
    ['three dimensions', 'v2.zarr', v2({ shape: [1, 2, 3] }), /^shape of .* is \[1, 2, 3\]; expected two sizes/],
    ['floats', 'v2.zarr', v2({ dtype: '<f4' }), /^dtype of .*"<f4"; expected unsigned integers/],
    [
      'chunks that no memory holds',
      'v2.zarr',
      v2({ chunks: [2 ** 20, 2 ** 20] }),
      /expected chunks of at most 256 MiB/,
    ],
    [
      'chunks of nothing',
      'v3.zarr',
      v3({ chunk_grid: { name: 'regular', configuration: { chunk_shape: [0, 4] } } }),
      /^chunk shape of/,
    ],
    [
      'a codec of its own',
      'v2.zarr',
      v2({ compressor: { id: 'lzma' } }),
      /^codec of .* is "lzma"; expected one of bytes/,
    ],
    ['filters', 'v2.zarr', v2({ filters: [{ id: 'delta' }] }), /^filters of/],
    ['a group', 'v3.zarr', v3({ node_type: 'group' }), /^node_type of .* is "group"; expected "array"/],
    [
      'a wrong description',
      'v3.zarr',
      v3({ attributes: { sympow: { version: 2 } } }),
      /^description of .*expected what `prepare` writes/,
    ],
    ['no JSON', 'v3.zarr', (at: string) => fs.writeFile(join(at, 'zarr.json'), '{'), /zarr\.json is no JSON/],
    ['nothing', 'v3.zarr', (at: string) => fs.rm(join(at, 'zarr.json')), /^there is no Zarr array at/],
  ] as const)('of %s is refused', async (_, name, harm, message) => {
    const path = await harmed(name, harm);
    await expect(zarrArray(path)).rejects.toThrow(message);
    await expect(zarrArray(path)).rejects.toThrow(DataError);
  });

  it('does not take ids that the vocabulary does not have', async () => {
    const path = await harmed('v3.zarr', v3({ attributes: { sympow: { version: 1, tokenizer: 'x', vocabSize: 300, endOfText: null, documents: 12, tokens: 1 } } })); // prettier-ignore
    await fs.rm(join(path, 'tokenizer.json'));
    const source = await zarrArray(path);
    expect([source.tokenizer, source.documentLength(0)]).toEqual([undefined, 256]);
    await expect(source.read(0, 0, 5)).rejects.toThrow(
      /is damaged: it holds the token \d+, and the vocabulary ends at 299/,
    );
  });

  it('may be gzipped, and inflates to no more than a chunk', async () => {
    const plain = join(folder, 'plain.zarr');
    const zarr = { version: 2, compressor: 'none', length: 256, chunk: [4, 64] } as const;
    for await (const _ of prepare(texts, { out: plain, tokenizer: await gpt2Tokenizer(), zarr }));
    const zip = async (path: string, bytes?: Buffer) => {
      await edit(join(path, '.zarray'), { compressor: { id: 'gzip', level: 1 } });
      for (const name of await fs.readdir(path)) {
        if (/^\d/.test(name))
          await fs.writeFile(join(path, name), gzipSync(bytes ?? (await fs.readFile(join(path, name)))));
      }
    };
    const whole = await all(await zarrArray(plain));
    expect(await all(await zarrArray(await harmed('plain.zarr', zip)))).toEqual(whole);
    const bomb = await harmed('plain.zarr', (path) => zip(path, Buffer.alloc(5e6)));
    await expect((await zarrArray(bomb)).read(0, 0, 5)).rejects.toThrow(/it holds more than 512 bytes|it has \d+/);
  });

  it('may lie in shards, of which only what is needed is read', async () => {
    const path = await harmed('v3.zarr', async (at) => {
      const source = await zarrArray(at);
      const ids = Uint16Array.from((await all(source)).flatMap((document) => document.slice(1)));
      const json = JSON.parse(await fs.readFile(join(at, 'zarr.json'), 'utf8')) as { codecs: object[] };
      // Shards of 2 × 4 chunks of 4 × 64, written by hand: chunks, then their offsets and lengths.
      await fs.rm(join(at, 'c'), { recursive: true });
      for (let shard = 0; shard * 8 < source.documentCount; shard++) {
        const chunks: Uint8Array[] = [];
        for (const [row, column] of [0, 1].flatMap((r) => [0, 1, 2, 3].map((c) => [r, c] as const))) {
          const chunk = new Uint16Array(4 * 64);
          for (let i = 0; i < 4; i++) {
            const begin = ((shard * 2 + row) * 4 + i) * 256 + column * 64;
            chunk.set(ids.subarray(begin, begin + 64), i * 64);
          }
          chunks.push(new Uint8Array(chunk.buffer));
        }
        const index = BigUint64Array.from(chunks.flatMap((chunk, i) => [BigInt(i * 512), BigInt(chunk.length)]));
        await fs.mkdir(join(at, 'c', String(shard)), { recursive: true });
        await fs.writeFile(join(at, 'c', String(shard), '0'), Buffer.concat([...chunks, Buffer.from(index.buffer)]));
      }
      const bytes = { name: 'bytes', configuration: { endian: 'little' } };
      const sharding = { chunk_shape: [4, 64], codecs: [bytes], index_codecs: [bytes], index_location: 'end' };
      const grid = { name: 'regular', configuration: { chunk_shape: [8, 256] } };
      await edit(join(at, 'zarr.json'), {
        codecs: [{ name: 'sharding_indexed', configuration: sharding }],
        chunk_grid: grid,
      });
      expect(json.codecs.length).toBe(3);
    });
    const whole = await all(await zarrArray(join(folder, 'v3.zarr')));
    const source = await zarrArray(`${address}/${path.slice(folder.length + 1)}`);
    expect(source.details).toMatchObject({ shards: '8 × 256', chunks: '4 × 64' });
    asked = [];
    expect([...(await source.read(5, 60, 70))]).toEqual(whole[5]!.slice(60, 70));
    expect(asked.filter((request) => request.includes('bytes=')).map((request) => request.split(' ')[2])).toEqual([
      'bytes=4096-4223',
      'bytes=2048-2559',
      'bytes=2560-3071',
    ]);
    expect(await all(source)).toEqual(whole);
  });
});

describe('a .bin', () => {
  it('of nanoGPT is cut at its end-of-text tokens', async () => {
    const path = join(folder, 'nano.bin');
    await fs.writeFile(path, new Uint8Array(Uint16Array.of(1, 2, 50256, 3, 50256, 4, 5).buffer));
    const source = await openDataset(path);
    expect(await all(source)).toEqual([
      [50256, 1, 2, 50256],
      [50256, 3, 50256],
      [50256, 4, 5],
    ]);
    expect([source.tokenCount, source.details!['dtype']]).toEqual([10, 'uint16']);
  });

  it('may have numbers of four bytes', async () => {
    const path = join(folder, 'wide.bin');
    await fs.writeFile(path, new Uint8Array(Uint32Array.of(1, 50256, 7).buffer));
    expect(await all(await binFile(path, { dtype: 'uint32' }))).toEqual([[50256, 1, 50256], [50256, 7]]); // prettier-ignore
  });

  it('says what is wrong with it', async () => {
    const write = async (name: string, ids: number[]) => {
      await fs.writeFile(join(folder, name), new Uint8Array(Uint16Array.from(ids).buffer));
      return join(folder, name);
    };
    const large = await write('large.bin', [1, 60000, 50256]);
    await expect(openDataset(large)).rejects.toThrow(
      /^token 1 of .*large\.bin is 60000; expected below the vocabulary/,
    );
    expect((await all(await openDataset(large, { damaged: 'skip' })))[0]).toEqual([50256, -1, -1, -1]);
    await fs.writeFile(join(folder, 'odd.bin'), Buffer.alloc(5));
    await expect(openDataset(join(folder, 'odd.bin'))).rejects.toThrow(/odd\.bin is 5; expected a multiple of 2 bytes/);
    await expect(openDataset(join(folder, 'gone.bin'))).rejects.toThrow(/expected a file that is there/);
    const short = join(folder, 'short.bin');
    for (const suffix of ['', '.json', '.index', '.tokenizer.json']) {
      await fs.cp(join(folder, `tokens.bin${suffix}`), `${short}${suffix}`);
    }
    await fs.truncate(`${short}.index`, 16);
    await expect(openDataset(short)).rejects.toThrow(/^index .* is 2; expected 12 ends of documents/);
    await fs.truncate(`${short}.index`, 7);
    await expect(openDataset(short)).rejects.toThrow(/^index .* is 0\.875; expected 12 ends of documents/);
    await expect(openDataset(short)).rejects.toThrow(DataError);
    await fs.truncate(short, 100);
    await expect(openDataset(short)).rejects.toThrow(
      /^size of .*short\.bin is 100; expected \d+ bytes, as short\.bin\.json/,
    );
  });
});

describe('a dataset of which something is lost', () => {
  const lost = async (from: string, ...names: string[]) => {
    const path = join(folder, `lost-${Math.random()}${from.slice(from.lastIndexOf('.'))}`);
    if (from === 'tokens.bin') {
      for (const suffix of ['', '.json', '.index', '.tokenizer.json']) {
        if (!names.includes(suffix)) await fs.cp(join(folder, `${from}${suffix}`), `${path}${suffix}`);
      }
    } else {
      await fs.cp(join(folder, from), path, { recursive: true });
      for (const name of names) await fs.rm(join(path, name));
    }
    return path;
  };
  it.each([
    ['tokens.bin', '.json'],
    ['tokens.bin', '.json', '.index'],
    ['tokens.bin', '.json', '.tokenizer.json'],
    ['v2.zarr', '.zattrs'],
  ])('is not read as GPT-2: %s without %s %s', async (from, ...names) => {
    const path = await lost(from, ...names);
    await expect(openDataset(path)).rejects.toThrow(/beside it, but not what else it was prepared with/);
    await expect(openDataset(path)).rejects.toThrow(DataError);
    const source = await openDataset(path, { tokenizer: await gpt2Tokenizer() });
    expect(source.documentCount).toBe((await openDataset(join(folder, from))).documentCount);
  });

  it('finds where documents end in the tokens, if that is all of them', async () => {
    const path = await lost('tokens.bin', '.index');
    expect(await all(await openDataset(path))).toEqual(await all(await openDataset(join(folder, 'tokens.bin'))));
    await edit(`${path}.json`, { documents: 11 });
    await expect(openDataset(path)).rejects.toThrow(/^documents of .* is 12; expected 11, as .*\.bin\.json says/);
  });

  it('does not take another tokenizer for its own', async () => {
    for (const [from, name] of [
      ['tokens.bin', ''],
      ['v3.zarr', '/'],
    ] as const) {
      // prettier-ignore
      const path = await lost(from);
      const file = name === '' ? `${path}.tokenizer.json` : join(path, 'tokenizer.json');
      await fs.writeFile(file, JSON.stringify(byteTokenizer()));
      await expect(openDataset(path)).rejects.toThrow(/^vocabulary of the tokenizer beside .* is 256; expected 50257/);
    }
  });
});

it.each(kinds)('%s keeps no more than a whole number of bytes', async (name) => {
  for (const cacheBytes of [NaN, -1, '1' as unknown as number]) {
    await expect(openDataset(join(folder, name), { cacheBytes })).rejects.toThrow(/^cacheBytes is/);
  }
});

describe('several datasets', () => {
  it('are one, of the same kind and tokenizer', async () => {
    const paths = [join(folder, 'v2.zarr'), join(folder, 'v3.zarr')];
    const both = await openDataset(paths);
    const [a, b] = await Promise.all(paths.map(async (path) => all(await openDataset(path))));
    expect(await all(both)).toEqual([...a!, ...b!]);
    expect(both.chunks!.rowOf(0)).not.toBe(both.chunks!.rowOf(a!.length));
    expect(new Set(Array.from({ length: both.documentCount }, (_, i) => both.documentName(i))).size).toBe(
      both.documentCount,
    );
    await expect(openDataset([paths[0]!, join(folder, 'tokens.bin')])).rejects.toThrow(/kinds of dataset/);
  });
});

async function edit(file: string, change: object): Promise<void> {
  await fs.writeFile(file, JSON.stringify({ ...(JSON.parse(await fs.readFile(file, 'utf8')) as object), ...change }));
}

async function flip(file: string): Promise<void> {
  const bytes = await fs.readFile(file);
  bytes[bytes.length >> 1]! ^= 4;
  await fs.writeFile(file, bytes);
}
