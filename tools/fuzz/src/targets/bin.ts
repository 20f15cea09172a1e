// A `.bin` with what stands beside it.
import { binFile, byteTokenizer } from '@sympow/data';
import fc from 'fast-check';
import { changedBytes, changedText } from '../inputs';
import { readSome, served } from '../served';
import { target } from '../target';

const ids = new Uint8Array(Uint16Array.from({ length: 60 }, (_, i) => i).buffer);
const ends = new Uint8Array(BigUint64Array.of(20n, 60n).buffer);
const meta = { version: 1, tokenizer: 'bytes', vocabSize: 256, endOfText: null, documents: 2, tokens: 60 };
const encoded = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const tokenizer = byteTokenizer();

export const bin = target({
  name: 'bin',
  share: 0.5,
  inputs: fc.record({
    tokens: changedBytes(ids),
    index: fc.option(changedBytes(ends)),
    json: fc.option(
      fc.oneof(
        changedText({ ...meta, dtype: 'uint16' }, { ...meta, dtype: 'uint32', tokens: 30 }),
        fc.constant(encoded({ ...meta, dtype: 'uint16' })),
      ),
    ),
    named: fc.option(changedText(tokenizer.toJSON())),
    damaged: fc.constantFrom('fail' as const, 'skip' as const),
  }),
  async run({ tokens, index, json, named, damaged }) {
    const files = {
      'x.bin': tokens,
      ...(index && { 'x.bin.index': index }),
      ...(json && { 'x.bin.json': json }),
      ...(named && { 'x.bin.tokenizer.json': named }),
    };
    const http = { fetch: served(files), retries: 0 };
    // GPT-2, which nothing beside the tokens means, is not what is tried here.
    const given = json ? {} : { tokenizer };
    await readSome(await binFile('http://fuzz/x.bin', { ...given, damaged, http }));
  },
});
