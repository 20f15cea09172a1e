// A Zarr array read in a browser: its codecs, and what would take its memory.
import { expect, it } from 'vitest';
import { byteTokenizer } from '../tokenizers/bytes';
import { zarrArray } from './zarr';

const [little, zstd, gzip] = [{ name: 'bytes' }, { name: 'zstd' }, { name: 'gzip' }];
const encoded = (json: object) => new TextEncoder().encode(JSON.stringify(json));

/** An array of one chunk of 1 × 64 bytes. */
function open(codecs: readonly object[], chunk: Uint8Array<ArrayBuffer>) {
  const json = {
    ...{ zarr_format: 3, node_type: 'array', data_type: 'uint8', shape: [1, 64], fill_value: 0, codecs },
    chunk_grid: { name: 'regular', configuration: { chunk_shape: [1, 64] } },
    chunk_key_encoding: { name: 'default' },
  };
  const files = new Map([['/x.zarr/zarr.json', encoded(json)], ['/x.zarr/c/0/0', chunk]]); // prettier-ignore
  const fetch: typeof globalThis.fetch = (address, init) => {
    const file = files.get(new URL(address as string).pathname);
    if (!file) return Promise.resolve(new Response(null, { status: 404 }));
    const headers = { 'content-length': String(file.length), 'content-range': `bytes 0-${file.length - 1}/${file.length}` }; // prettier-ignore
    if (init?.method === 'HEAD') return Promise.resolve(new Response(null, { headers }));
    return Promise.resolve(new Response(file, { status: 206, headers }));
  };
  return zarrArray('http://files/x.zarr', { tokenizer: byteTokenizer(), http: { fetch } });
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Zstandard of blocks of the byte 7, and nothing about how many. */
function sevens(block: number, blocks: number): Uint8Array<ArrayBuffer> {
  const words = Uint32Array.from(
    { length: blocks },
    (_, i) => (block << 3) | 2 | (i === blocks - 1 ? 1 : 0) | (7 << 24),
  );
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x88, ...new Uint8Array(words.buffer));
}

it('decodes Zstandard and gzip', async () => {
  for (const [codecs, chunk] of [
    [[little, zstd], sevens(64, 1)],
    [[little, gzip], await gzipped(new Uint8Array(64).fill(7))],
  ] as const) {
    expect([...(await (await open(codecs, chunk)).read(0, 0, 64))]).toEqual(Array(64).fill(7));
  }
});

it('refuses what would take its memory', async () => {
  for (const [codecs, chunk] of [
    [[little, zstd], sevens(2 ** 17, 2 ** 14)],
    [[little, gzip], await gzipped(new Uint8Array(2 ** 26))],
  ] as const) {
    await expect((await open(codecs, chunk)).read(0, 0, 64)).rejects.toThrow(/^chunk 0\/0 of .* is damaged: /);
  }
  await expect((await open([little, gzip, gzip], new Uint8Array(64))).read(0, 0, 64)).rejects.toThrow(/it is no gzip/);
});
