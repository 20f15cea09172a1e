import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openDataset } from '.';
import { trainingBatches } from '../batches';
import { DataError } from '../errors';
import { prepare } from '../prepare/prepare';
import { evaluationStreams } from '../streams';
import { gpt2Tokenizer } from '../tokenizers/gpt2';
import { all, edit, folder, harmed, served, texts } from './stored.cases';
import { zarrArray } from './zarr';

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
    const source = await zarrArray(`${served.address}/v2.zarr`, options);
    served.spoil = (path, response) => path.endsWith('/0.1') && !!response.writeHead(503).end();
    await expect(source.read(0, 60, 70)).rejects.toThrow(/cannot read http.*tried 2 times/);
    served.spoil = () => false;
    expect([...(await source.read(0, 60, 70))].every((id) => id >= 0)).toBe(true);
    expect(source.notes).toEqual([]);
  });

  it('goes on after connections that were cut', async () => {
    let cuts = 0;
    const retries: string[] = [];
    served.spoil = (_, response) => Math.random() < 0.3 && !!++cuts && !!response.destroy();
    const http = { pause: 1, retries: 20, onRetry: (message: string) => void retries.push(message) };
    const source = await zarrArray(`${served.address}/v3.zarr`, { http });
    expect(await all(source)).toEqual(await all(await zarrArray(join(folder, 'v3.zarr'))));
    served.spoil = () => false;
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
    const source = await zarrArray(`${served.address}/${path.slice(folder.length + 1)}`);
    expect(source.details).toMatchObject({ shards: '8 × 256', chunks: '4 × 64' });
    served.asked = [];
    expect([...(await source.read(5, 60, 70))]).toEqual(whole[5]!.slice(60, 70));
    expect(
      served.asked.filter((request) => request.includes('bytes=')).map((request) => request.split(' ')[2]),
    ).toEqual(['bytes=4096-4223', 'bytes=2048-2559', 'bytes=2560-3071']);
    expect(await all(source)).toEqual(whole);
  });
});

async function flip(file: string): Promise<void> {
  const bytes = await fs.readFile(file);
  bytes[bytes.length >> 1]! ^= 4;
  await fs.writeFile(file, bytes);
}
