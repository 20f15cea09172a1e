import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../datasets';
import { tokenizerFromJSON } from '../tokenizers';
import { byteTokenizer } from '../tokenizers/bytes';
import { tokenizerJSON } from '../tokenizers/fixtures.cases';
import { gpt2Tokenizer } from '../tokenizers/gpt2';
import type { PrepareInput } from './api';
import { document, folder, rowsOf, run, text, texts } from './prepare.cases';

describe('a text of over 1 MiB', () => {
  it.each(['llama2', 'qwen', 't5'])('is encoded as a whole by a tokenizer like %s', async (name) => {
    const tokenizer = await tokenizerFromJSON(tokenizerJSON(name));
    const long = text('long', 250_000);
    expect(long.size).toBeGreaterThan(2 ** 20);
    const out = join(folder, 'long.bin');
    await run({ out, tokenizer }, [long]);
    const source = await openDataset(out);
    const ids = (await document(source, 0)).filter((id) => id !== tokenizer.endOfText);
    const bytes = await long.read();
    expect(Buffer.from(Uint16Array.from(ids).buffer).equals(Buffer.from(tokenizer.encodeBytes(bytes).buffer))).toBe(
      true,
    );
    if (name === 'llama2') expect(Buffer.from(tokenizer.decode(ids)).equals(bytes)).toBe(true);
  });
});

describe('a .bin', () => {
  it('holds every text with the end of text behind it', async () => {
    const tokenizer = await gpt2Tokenizer();
    const out = join(folder, 'books.bin');
    const end = await run({ out, tokenizer });
    const source = await openDataset(out);
    expect([source.documentCount, source.tokenizer?.name, source.vocabSize]).toEqual([3, 'gpt2', 50257]);
    for (const [i, input] of texts.entries()) {
      const ids = tokenizer.encodeBytes(await input.read());
      expect(await document(source, i)).toEqual([50256, ...ids, 50256]);
    }
    expect(end.tokens).toBe((await fs.stat(out)).size / 2);
    expect((await fs.readdir(folder)).sort()).toEqual(['books.bin', 'books.bin.index', 'books.bin.json', 'books.bin.tokenizer.json']); // prettier-ignore
  });

  it('keeps texts of bytes apart, which have no end of text', async () => {
    const out = join(folder, 'books.bin');
    await run({ out });
    const source = await openDataset(out);
    for (const [i, input] of texts.entries()) expect(await document(source, i)).toEqual([...(await input.read())]);
  });
});

describe.each([
  [2, 'zstd'],
  [2, 'blosc'],
  [2, 'none'],
  [3, 'zstd'],
  [3, 'blosc'],
  [3, 'none'],
] as const)('a Zarr array of version %i, %s', (version, compressor) => {
  it('holds documents of one length, each with the end of text in front', async () => {
    const tokenizer = await gpt2Tokenizer();
    const out = join(folder, 'books.zarr');
    const zarr = { version, compressor, length: 50, chunk: [4, 16] } as const;
    const { documents, dropped, tokens } = await run({ out, tokenizer, zarr });
    const rows = await rowsOf(tokenizer, 50);
    const source = await openDataset(out);
    expect([source.documentCount, documents, source.tokenizer?.name]).toEqual([rows.length, rows.length, 'gpt2']);
    for (const [i, row] of rows.entries()) expect(await document(source, i)).toEqual([50256, ...row]);
    expect(tokens).toBe(rows.length * 50);
    const all = (await Promise.all(texts.map(async (input) => tokenizer.encodeBytes(await input.read()).length))).reduce((a, b) => a + b); // prettier-ignore
    expect(dropped).toBe(all - tokens);
    expect(await fs.readdir(folder)).toEqual(['books.zarr']);
  });
});

describe('preparing', () => {
  it('takes the same part of every text that a split by tail takes', async () => {
    const [train, rest] = [join(folder, 'train.bin'), join(folder, 'rest.bin')];
    await run({ out: train, part: [0, 0.9] });
    await run({ out: rest, part: [0.9, 1] });
    const sources = [await openDataset(train), await openDataset(rest)];
    for (const [i, input] of texts.entries()) {
      const both = [...(await document(sources[0]!, i)), ...(await document(sources[1]!, i))];
      expect(both).toEqual([...(await input.read())]);
      expect(Math.abs(sources[1]!.documentLength(i) - both.length / 10)).toBeLessThan(1);
    }
  });

  it('goes through the texts again only when asked, at other cuts', async () => {
    const rows = await rowsOf(byteTokenizer(), 64);
    const more = rows.length + 20;
    expect((await run({ out: join(folder, 'once.zarr'), zarr: { length: 64, documents: more } })).documents).toBe(
      rows.length,
    );
    const out = join(folder, 'again.zarr');
    expect((await run({ out, zarr: { length: 64, documents: more, cycle: true } })).documents).toBe(more);
    const source = await openDataset(out);
    const shifted = [...(await texts[0]!.read())].slice(32, 96);
    expect(await document(source, rows.length)).toEqual(shifted);
    const few = { length: 64, documents: 3 };
    expect((await run({ out: join(folder, 'few.zarr'), zarr: few })).documents).toBe(3);
  });

  it('refuses what is not the bytes of a text', async () => {
    for (const answer of ['text', undefined, [1, 2], new DataView(new ArrayBuffer(8))]) {
      const input = { name: 'a', size: 4, read: () => answer } as unknown as PrepareInput;
      await expect(run({ out: join(folder, 'x.bin') }, [input])).rejects.toThrow(
        /^text of a is .*; expected a Uint8Array/,
      );
    }
    const foreign = runInNewContext('Uint8Array.of(65, 66)') as Uint8Array;
    const read = () => ({ then: (done: (bytes: Uint8Array) => void) => done(foreign) });
    const input = { name: 'a', size: 2, read } as unknown as PrepareInput;
    expect((await run({ out: join(folder, 'y.bin') }, [input])).tokens).toBe(2);
  });

  it('says what is out of range', async () => {
    const out = join(folder, 'x.zarr');
    await expect(run({ out: join(folder, 'x.txt') })).rejects.toThrow('expected a name that ends in .bin or .zarr.');
    await expect(run({ out, zarr: { length: 1e6 } })).rejects.toThrow(
      /none of the texts \(3\) holds a document of 1000000/,
    );
    await expect(run({ out, zarr: { length: 1e6, documents: 5, cycle: true } })).rejects.toThrow(/none of the texts/);
    await expect(run({ out, zarr: { cycle: true } })).rejects.toThrow('expected a number of documents at which to end');
    await expect(run({ out, zarr: { version: 4 as 3 } })).rejects.toThrow('version is 4; expected 2 or 3.');
    await expect(run({ out, part: [0.5, 0.5] })).rejects.toThrow('part is [0.5, 0.5]');
    await expect(run({ out }, [])).rejects.toThrow('texts is 0; expected at least one.');
    await fs.mkdir(out);
    await expect(run({ out })).rejects.toThrow(/x\.zarr is there already; expected a new name\./);
  });
});
