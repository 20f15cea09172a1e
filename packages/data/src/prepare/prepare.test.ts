import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Tokenizer, TokenSource } from '../api';
import { openDataset } from '../datasets';
import { DataError } from '../errors';
import { tokenizerFromJSON } from '../tokenizers';
import { byteTokenizer } from '../tokenizers/bytes';
import { tokenizerJSON } from '../tokenizers/fixtures.cases';
import { gpt2Tokenizer } from '../tokenizers/gpt2';
import type { PrepareEnd, PrepareInput, PrepareOptions } from './api';
import type { Written } from './journal';
import { prepare } from './prepare';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'prepare-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(folder, { recursive: true, force: true });
});

const words = 'It was the best of times, it was the worst of times, été 😀.\n'.split(' ');
/** A text of so many words. */
function text(name: string, count: number): PrepareInput {
  const bytes = new TextEncoder().encode(
    Array.from({ length: count }, (_, i) => words[(i * i) % words.length]).join(' '),
  );
  return { name, size: bytes.length, read: async () => bytes };
}
const texts = [text('a', 110), text('b', 15), text('c', 230)];

async function run(options: PrepareOptions, inputs = texts): Promise<PrepareEnd> {
  for await (const event of prepare(inputs, options)) if (event.type === 'end') return event;
  throw new Error('it did not end');
}

/** Every file below a folder, with its bytes. */
async function filesOf(path: string): Promise<Record<string, string>> {
  const names = (await fs.readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = names.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.slice(path.length), await fs.readFile(file, 'base64')] as const))); // prettier-ignore
}

async function document(source: TokenSource, i: number): Promise<number[]> {
  return [...(await source.read(i, 0, source.documentLength(i)))];
}

/** Documents of one length that the texts give, in order. */
async function rowsOf(tokenizer: Tokenizer, length: number): Promise<number[][]> {
  const rows: number[][] = [];
  for (const input of texts) {
    const ids = [...tokenizer.encodeBytes(await input.read())];
    for (let at = 0; at + length <= ids.length; at += length) rows.push(ids.slice(at, at + length));
  }
  return rows;
}

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

describe('a run that ends early', () => {
  const outs = [
    ['books.bin', {}],
    ['books.zarr', { zarr: { length: 64, chunk: [4, 32] as const } }],
    ['again.zarr', { zarr: { version: 2 as const, length: 64, chunk: [4, 32] as const, documents: 60, cycle: true } }],
  ] as const;

  it.each(outs)('goes on with the same bytes, wherever it ended: %s', async (name, options) => {
    const whole = join(folder, 'whole');
    await fs.mkdir(whole);
    await run({ out: join(whole, name), ...options });
    const expected = await filesOf(whole);
    for (const certainEvery of [1, 1000]) {
      for (const events of [1, 4, 9, 17]) {
        const broken = join(folder, `broken-${certainEvery}-${events}`);
        await fs.mkdir(broken);
        const again = { out: join(broken, name), certainEvery, ...options };
        let left = events;
        let ends = 0;
        for (; ends < 200; ends++) {
          let ended = false;
          for await (const event of prepare(texts, again)) {
            ended = event.type === 'end';
            // Nothing is where the result will be before it is done.
            if (!ended) expect((await fs.readdir(broken)).includes(name)).toBe(false);
            if (!ended && --left === 0) break;
          }
          left = events + ends;
          if (ended) break;
        }
        expect(await filesOf(broken)).toEqual(expected);
      }
    }
  });

  it.each(outs)('leaves nothing half when the disk is full, and goes on when it is not: %s', async (name, options) => {
    const whole = join(folder, 'whole');
    const full = join(folder, 'full');
    await fs.mkdir(whole);
    await fs.mkdir(full);
    await run({ out: join(whole, name), ...options });
    const { open } = fs;
    for (let room = 0; room < 50; room += 9) {
      let writes = room;
      vi.spyOn(fs, 'open').mockImplementation(async (...parameters) => {
        const file = await open(...parameters);
        const fail = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' }));
        const { write, writeFile } = file;
        file.write = ((...args: Parameters<typeof write>) =>
          writes-- > 0 ? write.apply(file, args) : fail()) as typeof write;
        file.writeFile = (...args) => (writes-- > 0 ? writeFile.apply(file, args) : fail());
        return file;
      });
      const failure = await run({ out: join(full, name), certainEvery: 100, ...options }).catch(
        (error: unknown) => error,
      );
      vi.restoreAllMocks();
      if (!(failure instanceof Error)) break;
      expect(failure).toBeInstanceOf(DataError);
      expect(failure.message).toMatch(/^cannot write .*: the disk is full; expected .* goes on where it stopped\.$/);
      expect(await fs.readdir(full)).not.toContain(name);
    }
    if (!(await fs.readdir(full)).includes(name)) await run({ out: join(full, name), ...options });
    expect(await filesOf(full)).toEqual(await filesOf(whole));
  });

  it.each(outs)('follows no link that waits where it writes: %s', async (name, options) => {
    const victim = join(folder, 'victim');
    await fs.writeFile(victim, 'precious');
    const out = join(folder, name);
    await fs.mkdir(`${out}.partial`);
    for (const link of [
      'prepare.json.new',
      'json.new',
      'tokenizer.json.new',
      '.zarray.new',
      'zarr.json.new',
      '0.0.new',
    ]) {
      await fs.symlink(victim, join(`${out}.partial`, link));
    }
    await run({ out, ...options });
    expect(await fs.readFile(victim, 'utf8')).toBe('precious');

    const again = join(folder, `again-${name}`);
    await fs.mkdir(`${again}.partial`);
    const grows = name.endsWith('.bin') ? 'tokens' : 'waiting.0';
    await fs.symlink(victim, join(`${again}.partial`, grows));
    const message = new RegExp(`^cannot write .*${grows}: it is a link that leads elsewhere; expected `);
    await expect(run({ out: again, ...options })).rejects.toThrow(message);
    expect(await fs.readFile(victim, 'utf8')).toBe('precious');
  });

  it('comes to an end where folders cannot be made, though they seem to be missing', async () => {
    await expect(run({ out: '/proc/nowhere/books.bin' })).rejects.toThrow(
      /^cannot write \/proc\/nowhere.*: there can be/,
    );
    await fs.writeFile(join(folder, 'file'), '');
    await expect(run({ out: join(folder, 'file/x.zarr') })).rejects.toThrow(/a file stands where a folder should/);
  });

  it.each(outs)('keeps nothing of what a killed run had half written: %s', async (name, options) => {
    const out = join(folder, name);
    const whole = join(folder, 'whole');
    await fs.mkdir(whole);
    await run({ out: join(whole, name), ...options });
    await fs.mkdir(join(`${out}.partial`, 'c', '0'), { recursive: true });
    for (const half of ['prepare.json.0123abcd.partial', '0.0.0123abcd.partial', 'c/0/0.89abcdef.partial']) {
      await fs.writeFile(join(`${out}.partial`, half), 'half');
    }
    await run({ out, ...options });
    await fs.rename(whole, `${folder}-whole`);
    const expected = await filesOf(`${folder}-whole`);
    await fs.rm(`${folder}-whole`, { recursive: true });
    expect(await filesOf(folder)).toEqual(expected);
  });

  it('stops at once when told to', async () => {
    const controller = new AbortController();
    const out = join(folder, 'books.zarr');
    const options = { out, zarr: { length: 64 }, signal: controller.signal };
    await expect(async () => {
      for await (const event of prepare(texts, options)) if (event.type === 'progress') controller.abort();
    }).rejects.toThrow(/abort/i);
    expect(await fs.readdir(folder)).toEqual(['books.zarr.partial']);
  });

  it.each(outs)('is not gone on with after a text that was read became another one: %s', async (name, options) => {
    const out = join(folder, name);
    const begin = async () => {
      let left = 3;
      for await (const _ of prepare(texts, { out, certainEvery: 1, ...options })) if (--left === 0) break;
    };
    await begin();
    const journal = await fs.readFile(join(`${out}.partial`, 'prepare.json'), 'utf8');
    const { place } = (JSON.parse(journal) as { written: Written }).written;
    const reached = place.row > 0 ? place.input : place.input - 1;
    for (const i of texts.keys()) {
      const bytes = (await texts[i]!.read()).slice();
      bytes[bytes.length - 1]! ^= 1;
      const changed = texts.map((input, j) => (i === j ? { ...input, read: async () => bytes } : input));
      if (i > reached) continue;
      const before = await filesOf(folder);
      await expect(run({ out, ...options }, changed)).rejects.toThrow(
        new RegExp(
          `^${texts[i]!.name} is not the text that it was when .*partial was begun; .* remove .* to start anew`,
        ),
      );
      expect(await filesOf(folder)).toEqual(before);
    }
    expect(reached).toBeGreaterThanOrEqual(0);
    // With the texts that it was begun with it still goes on; those that were not read yet may be others.
    const whole = join(folder, 'whole');
    await fs.mkdir(whole);
    await run({ out: join(whole, name), ...options });
    await run({ out, ...options });
    expect(await fs.readFile(join(whole, name)).catch(() => filesOf(join(whole, name)))).toEqual(
      await fs.readFile(out).catch(() => filesOf(out)),
    );
  });

  it('does not take a text for two when it changes between two passes', async () => {
    let reads = 0;
    const input = { ...texts[0]!, read: async () => new Uint8Array(400).fill(65 + reads++) };
    const zarr = { length: 64, documents: 60, cycle: true };
    await expect(run({ out: join(folder, 'x.zarr'), zarr }, [input])).rejects.toThrow(/^a is not the text that it was/);
  });

  it('is not gone on with from other texts or options', async () => {
    const out = join(folder, 'books.zarr');
    for await (const _ of prepare(texts, { out, zarr: { length: 64 } })) break;
    await fs.writeFile(join(`${out}.partial`, 'prepare.json'), '{"settings":{},"written":{}}');
    await expect(run({ out, zarr: { length: 64 } })).rejects.toThrow(
      /was begun with other texts or options.*Remove it/,
    );
    await fs.writeFile(join(`${out}.partial`, 'prepare.json'), '{"sett');
    await expect(run({ out, zarr: { length: 64 } })).rejects.toThrow(DataError);
  });

  it('is not gone on with from a journal that is none', async () => {
    const out = join(folder, 'books.zarr');
    const options = { out, zarr: { length: 64 }, certainEvery: 1 };
    for await (const _ of prepare(texts, options)) break;
    const file = join(`${out}.partial`, 'prepare.json');
    const whole = JSON.parse(await fs.readFile(file, 'utf8')) as { written: Written };
    const written = (change: object) => ({ ...whole, written: { ...whole.written, ...change } });
    for (const journal of [
      ...[null, 7, [], { ...whole, written: null }, { ...whole, written: 'all' }],
      ...[{ place: null }, { place: { pass: 0, input: 99, row: 0 } }, { documents: '1' }].map(written),
      ...[{ documents: 2 ** 40 }, { tokens: -1 }, { texts: 'all' }, { texts: [7] }].map(written),
      written({ texts: Array<string>(99).fill('x') }),
    ]) {
      await fs.writeFile(file, JSON.stringify(journal));
      await expect(run(options)).rejects.toThrow(DataError);
    }
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
