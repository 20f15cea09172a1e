import { promises as fs } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenSource } from './api';
import { trainingBatches } from './batches';
import { openDataset } from './datasets';
import { textSource } from './datasets/text';
import { fingerprint } from './fingerprint';
import { prepare } from './prepare/prepare';
import { joinSources, tokenSource } from './source';
import { heldOut } from './split';
import { taskBatches } from './tasks/batches';
import { recall } from './tasks/recall';
import { gpt2Tokenizer } from './tokenizers/gpt2';

const words = 'It was the best of times, it was the worst of times. '.repeat(60);
const other = `${words.slice(0, 1500)}x${words.slice(1501)}`;

describe('the fingerprint of a source in memory', () => {
  it('is the same for the same tokens, and another for any other', async () => {
    const documents = (...texts: string[]) => textSource(texts.map((text, i) => ({ name: `${i}`, text })));
    const all = [
      documents(words),
      documents(other),
      documents(`${words} `),
      documents(words, other),
      documents(other, words),
      documents(words.slice(0, 9), words.slice(9)),
      documents(words.slice(0, 8), words.slice(8)),
      heldOut(documents(words)).train,
      heldOut(documents(words)).heldOut,
      joinSources([documents(words), documents(words)]),
    ];
    const prints = await Promise.all(all.map(fingerprint));
    expect(new Set(prints).size).toBe(all.length);
    expect(await fingerprint(textSource(words, { name: 'elsewhere' }))).toBe(prints[0]);
    expect(await fingerprint(joinSources([documents(words), documents(other)]))).toBe(prints[3]);
    for (const print of prints) expect(print).toMatch(/^[0-9a-f]{32}$/);
  });

  it('tells one changed token from hundreds of megabytes', async () => {
    const tokens = new Uint8Array(2 ** 25);
    const source = tokenSource([{ name: 'a', tokens }], { vocabSize: 256 });
    const before = await fingerprint(source);
    tokens[2 ** 24 + 12_345] = 1;
    expect(await fingerprint(source)).not.toBe(before);
  });
});

describe('the fingerprint of a dataset', () => {
  let folder: string;
  let server: Server;
  let address: string;
  beforeAll(async () => {
    folder = await fs.mkdtemp(join(tmpdir(), 'fingerprint-'));
    const tokenizer = await gpt2Tokenizer();
    for (const [name, text] of Object.entries({ words, other })) {
      const bytes = new TextEncoder().encode(text);
      const input = { name: 'a', size: bytes.length, read: async () => bytes };
      for (const kind of ['bin', 'zarr']) {
        const zarr = kind === 'zarr' ? { length: 64, chunk: [2, 16] as const } : undefined;
        for await (const _ of prepare([input], { out: join(folder, `${name}.${kind}`), tokenizer, zarr }));
      }
    }
    server = createServer((request, response) => {
      void fs.readFile(join(folder, request.url!)).then(
        (file) => {
          const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
          const part = from === undefined ? file : file.subarray(Number(from), Number(to) + 1);
          response.writeHead(from === undefined ? 200 : 206, {
            'content-length': part.length,
            ...(from !== undefined && {
              'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${file.length}`,
            }),
          });
          response.end(request.method === 'HEAD' ? undefined : part);
        },
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }, 60_000);
  afterAll(async () => {
    server.close();
    await fs.rm(folder, { recursive: true });
  });

  it('takes every chunk once, where the cache holds only some of them', async () => {
    const bytes = new TextEncoder().encode(words.repeat(8));
    const input = { name: 'a', size: bytes.length, read: async () => bytes };
    const out = join(folder, 'wide.zarr');
    for await (const _ of prepare([input], { out, zarr: { length: 2048, chunk: [4, 64] } }));
    let asked: string[] = [];
    const counting: typeof fetch = async (url, init) => {
      const place = typeof url === 'string' ? url : 'href' in url ? url.href : url.url;
      if (/\/c\/\d+\/\d+$/.test(place) && init?.method !== 'HEAD') asked.push(place);
      return fetch(url, init);
    };
    const open = (cacheBytes: number) => openDataset(`${address}/wide.zarr`, { cacheBytes, http: { fetch: counting } });
    const print = await fingerprint(await open(2 ** 28));
    asked = [];
    // Of 32 columns of chunks, each of 256 bytes.
    expect(await fingerprint(await open(4 * 256))).toBe(print);
    expect(asked.length).toBeGreaterThan(90);
    expect(asked.length).toBe(new Set(asked).size);
  });

  it.each(['bin', 'zarr'])('is that of its tokens, wherever it lies: %s', async (kind) => {
    const at = async (place: string) => fingerprint(await openDataset(place));
    const print = await at(join(folder, `words.${kind}`));
    expect(await at(`${address}/words.${kind}`)).toBe(print);
    expect(await at(join(folder, `other.${kind}`))).not.toBe(print);
    const source = await openDataset(join(folder, `words.${kind}`));
    const tokens = await Promise.all(
      Array.from({ length: source.documentCount }, async (_, i) => source.read(i, 0, source.documentLength(i))),
    );
    const held = tokenSource(
      tokens.map((ids, i) => ({ name: `${i}`, tokens: ids })),
      { vocabSize: source.vocabSize },
    );
    expect(await fingerprint(held)).toBe(print);
    expect(await trainingBatches(source, { batch: 1, context: 8 }).fingerprint!()).toBe(print);
  });
});

describe('the fingerprint of a dataset that is too large to read', () => {
  /** Tokens that are made up when they are asked for; counts what was read. */
  function huge(change?: { readonly document: number; readonly at: number }, chunks?: TokenSource['chunks']) {
    const read = { tokens: 0, calls: 0 };
    const length = 2 ** 16;
    const source: TokenSource = {
      name: 'huge',
      vocabSize: 50257,
      documentCount: 2 ** 17,
      tokenCount: 2 ** 33,
      notes: [],
      chunks,
      documentName: String,
      documentLength: () => length,
      async read(document, from, to, out = new Int32Array(to - from)) {
        read.tokens += to - from;
        read.calls++;
        for (let i = from; i < to; i++) out[i - from] = (document * 7919 + i) % 50257;
        if (change?.document === document) out.fill(1);
        return out;
      },
    };
    return { source, read };
  }

  it('reads a sample of it, the same one every time', async () => {
    const { source, read } = huge();
    const print = await fingerprint(source);
    expect(read.calls).toBe(64);
    expect(read.tokens).toBeLessThanOrEqual(64 * 4096);
    expect(await fingerprint(huge().source)).toBe(print);
    const places: number[] = [];
    const seen = { ...source, read: (...range: Parameters<TokenSource['read']>) => (places.push(range[0]), source.read(...range)) }; // prettier-ignore
    await fingerprint(seen);
    expect(new Set(places).size).toBeGreaterThan(60);
    expect(await fingerprint(huge({ document: places[7]!, at: 0 }).source)).not.toBe(print);
    expect(await fingerprint({ ...source, documentLength: (i) => 2 ** 16 - (i === 99 ? 1 : 0) })).not.toBe(print);
  });

  it('reads few chunks, each in one piece', async () => {
    const places: [number, number][] = [];
    const { source } = huge(undefined, { tokens: 2048, rowOf: (document) => document >> 11 });
    const seen: TokenSource = {
      ...source,
      read(document, from, to, out) {
        // Behind the end-of-text token that stands in front.
        places.push([Math.floor((from - 1) / 2048), Math.floor((to - 2) / 2048)]);
        return source.read(document, from, to, out);
      },
    };
    await fingerprint(seen);
    expect(places.length).toBe(8);
    for (const [first, last] of places) expect(first).toBe(last);
  }, 60_000);
});

describe('the fingerprint of a task', () => {
  it('is that of its options, its context and its seed', async () => {
    const print = (options: object, more: object = {}) =>
      taskBatches(recall(options), { batch: 1, context: 64, seed: 1, ...more }).fingerprint!();
    const all = await Promise.all([
      print({ pairs: 4 }),
      print({ pairs: [4, 5] }),
      print({ pairs: 4 }, { seed: 2 }),
      print({ pairs: 4 }, { context: 65 }),
      print({ pairs: 4 }, { targets: 'all' }),
    ]);
    expect(new Set(all).size).toBe(5);
    expect(await print({ pairs: 4 }, { batch: 3 })).toBe(all[0]);
  });
});
