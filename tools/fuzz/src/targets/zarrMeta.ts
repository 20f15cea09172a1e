// Descriptions of Zarr arrays, with no chunks, or with the same bytes as each of them.
import { byteTokenizer, heldOut, trainingBatches, zarrArray } from '@sympow/data';
import fc from 'fast-check';
import { changedText } from '../inputs';
import { readSome, served } from '../served';
import { target } from '../target';

const little = { name: 'bytes', configuration: { endian: 'little' } };
const v3 = {
  zarr_format: 3,
  node_type: 'array',
  shape: [4, 64],
  data_type: 'uint8',
  chunk_grid: { name: 'regular', configuration: { chunk_shape: [2, 16] } },
  chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
  fill_value: 0,
  codecs: [little],
  attributes: {},
};
const sharding = { chunk_shape: [2, 16], codecs: [little], index_codecs: [little, { name: 'crc32c' }] };
const sharded = {
  ...v3,
  chunk_grid: { name: 'regular', configuration: { chunk_shape: [4, 32] } },
  codecs: [{ name: 'sharding_indexed', configuration: { ...sharding, index_location: 'start' } }],
};
const turned = { name: 'transpose', configuration: { order: [1, 0] } };
const chained = { ...v3, codecs: [turned, little, { name: 'zstd' }, { name: 'crc32c' }, { name: 'gzip' }] };
const sympow = { version: 1, tokenizer: 'bytes', vocabSize: 256, endOfText: null, documents: 4, tokens: 256 };
const v2 = {
  ...{ zarr_format: 2, shape: [4, 64], chunks: [2, 16], dtype: '|u1', compressor: null, filters: null },
  ...{ order: 'C', fill_value: 7, dimension_separator: '.' },
};
const tokenizer = byteTokenizer();

export const zarrMeta = target({
  name: 'zarrMeta',
  inputs: fc.record({
    version: fc.constantFrom(2, 3),
    v2: changedText(v2, { ...v2, compressor: { id: 'blosc' } }, { ...v2, order: 'F', dtype: '>u2' }),
    v3: changedText(v3, sharded, chained, { ...v3, attributes: { sympow } }),
    attributes: fc.option(changedText({ sympow })),
    chunk: fc.option(fc.constantFrom(new Uint8Array(32), new Uint8Array(64), new Uint8Array(0))),
    damaged: fc.constantFrom('fail' as const, 'skip' as const),
  }),
  async run({ version, v2, v3, attributes, chunk, damaged }) {
    const described = { '.zarray': v2, ...(attributes && { '.zattrs': attributes }) };
    const files: Record<string, Uint8Array> = version === 3 ? { 'zarr.json': v3 } : described;
    const named = Object.fromEntries(Object.entries(files).map(([name, text]) => [`x.zarr/${name}`, text]));
    const http = { fetch: served(named, chunk ?? undefined), retries: 0 };
    const source = await zarrArray('http://fuzz/x.zarr', { tokenizer, damaged, http, cacheBytes: 2 ** 16 });
    await readSome(source);
    // Far larger arrays are legal, and take as long as they have documents.
    if (source.documentCount < 10_000) await trainingBatches(heldOut(source).train, { batch: 2, context: 8 }).next();
  },
});
