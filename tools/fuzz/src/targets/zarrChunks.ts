// Chunks of Zarr arrays, through every codec and some of them behind each other, and shards.
import { byteTokenizer, zarrArray } from '@sympow/data';
import fc from 'fast-check';
import { changedBytes } from '../inputs';
import { readSome, served } from '../served';
import { target } from '../target';
import { samples } from '../samples';

const little = { name: 'bytes', configuration: { endian: 'little' } };
const names = ['zstd', 'blosc', 'lz4', 'gzip', 'zlib', 'crc32c'];

function description(codecs: readonly string[], sharded: 'start' | 'end' | undefined): Uint8Array {
  const inner = [little, ...codecs.map((name) => ({ name }))];
  const configuration = { chunk_shape: [2, 64], codecs: inner, index_codecs: [little], index_location: sharded };
  const json = {
    ...{ zarr_format: 3, node_type: 'array', data_type: 'uint8', fill_value: 0, shape: [4, 64] },
    chunk_grid: { name: 'regular', configuration: { chunk_shape: [sharded ? 4 : 2, 64] } },
    chunk_key_encoding: { name: 'default' },
    codecs: sharded ? [{ name: 'sharding_indexed', configuration }] : inner,
  };
  return new TextEncoder().encode(JSON.stringify(json));
}

const index = new Uint8Array(BigUint64Array.of(0n, 128n, 128n, 128n).buffer);
const shards = [Uint8Array.of(...new Uint8Array(256), ...index), Uint8Array.of(...index, ...new Uint8Array(256))];
const tokenizer = byteTokenizer();

const codecs = fc.array(fc.constantFrom(...names), { maxLength: 3 });
/** A chunk with the codecs that it went through, or nearly. */
const likely = fc
  .constantFrom(...samples)
  .chain(({ codecs, bytes }) => fc.record({ codecs: fc.constant(codecs), bytes: changedBytes(bytes) }));

export const zarrChunks = target({
  name: 'zarrChunks',
  inputs: fc.record({
    chunk: fc.oneof(
      { weight: 4, arbitrary: likely },
      { weight: 1, arbitrary: fc.record({ codecs, bytes: changedBytes(...samples.map(({ bytes }) => bytes)) }) },
      { weight: 1, arbitrary: fc.record({ codecs: fc.constant([]), bytes: changedBytes(...shards) }) },
    ),
    sharded: fc.constantFrom(undefined, undefined, 'start' as const, 'end' as const),
    damaged: fc.constantFrom('fail' as const, 'skip' as const),
  }),
  async run({ chunk: { codecs, bytes }, sharded, damaged }) {
    const files = {
      'x.zarr/zarr.json': description(codecs, sharded),
      'x.zarr/c/0/0': bytes,
      'x.zarr/c/1/0': bytes,
    };
    const http = { fetch: served(files), retries: 0 };
    await readSome(await zarrArray('http://fuzz/x.zarr', { tokenizer, damaged, http }));
  },
});
