// Several processes that prepare together write what one would have written.
import { ranksInOneProcess } from '@sympow-tools/tiny';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { byteTokenizer } from '../tokenizers/bytes';
import type { PrepareEnd, PrepareOptions } from './api';
import { SharedTexts } from './encodedTexts';
import { KnownTexts } from './knownTexts';
import { prepare } from './prepare';
import { filesOf, folder, run, text, texts } from './prepare.cases';

/** The same as `run`, by several; what each has told at the end. */
async function together(size: number, options: PrepareOptions, other?: typeof texts): Promise<PrepareEnd[]> {
  const all = ranksInOneProcess(size).map((communicator) =>
    run({ ...options, communicator }, communicator.rank === 1 && other ? other : texts),
  );
  const ended = await Promise.allSettled(all);
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  return Promise.all(all);
}

const zarr = { length: 50, chunk: [4, 16] } as const;
const kinds: [string, string, Partial<PrepareOptions>][] = [
  ['a .bin of a part', 'x.bin', { part: [0, 0.9] }],
  ['an array', 'x.zarr', { zarr }],
  ['an array of texts that are gone through again', 'x.zarr', { zarr: { ...zarr, documents: 60, cycle: true } }],
];

it.each(kinds)('%s has the same bytes', async (_, name, options) => {
  await run({ ...options, out: join(folder, 'one', name) });
  const files = await filesOf(join(folder, 'one'));
  for (const size of [2, 5]) {
    const out = join(folder, `${size}`, name);
    const [first, ...others] = await together(size, { ...options, out });
    expect(others).toEqual(others.map(() => first));
    expect(await filesOf(join(folder, `${size}`))).toEqual(files);
  }
});

it('what was stopped goes on with another number of processes', async () => {
  await run({ zarr, out: join(folder, 'one', 'x.zarr') });
  const stop = new AbortController();
  const options = { zarr, certainEvery: 1, out: join(folder, 'more', 'x.zarr') };
  const begun = ranksInOneProcess(2).map(async (communicator) => {
    for await (const { type } of prepare(texts, { ...options, communicator, signal: stop.signal }))
      if (type === 'progress') stop.abort();
  });
  for (const one of await Promise.allSettled(begun)) expect(one).toMatchObject({ reason: { name: 'AbortError' } });
  expect(await fs.readdir(join(folder, 'more'))).toEqual(['x.zarr.partial']);
  await together(3, options);
  expect(await filesOf(join(folder, 'more'))).toEqual(await filesOf(join(folder, 'one')));
});

it('each text is encoded by one process, in rounds of about as many bytes for each', async () => {
  // All begin alike, so that one could be taken for another.
  const inputs = [...texts, text('d', 40), text('e', 90), text('f', 10)].map((input, i) => ({
    ...input,
    read: async () => (await input.read()).map((byte) => byte ^ i),
  }));
  const encoded: string[][] = [[], []];
  const shared = ranksInOneProcess(2).map((communicator) => {
    const own = byteTokenizer();
    const encodeBytes = (bytes: Uint8Array) => {
      encoded[communicator.rank]!.push(`${bytes.length}`);
      return bytes;
    };
    const tokenizer = Object.assign(Object.create(own) as typeof own, { encodeBytes, encodeParts: undefined });
    const known = new KnownTexts([], folder);
    return new SharedTexts({ inputs, tokenizer, part: [0, 1], known, signal: undefined }, communicator, 1000);
  });
  const end: PrepareEnd = { type: 'end', out: '', documents: 0, tokens: 0, dropped: 0, seconds: 0 };
  const helped = shared[1]!.help();
  for (const [i, input] of inputs.entries())
    expect(Uint8Array.from(await shared[0]!.of(i))).toEqual(await input.read());
  await shared[0]!.finish(end);
  expect(await helped).toEqual(end);
  const sizes = inputs.map(({ size }) => `${size}`);
  expect([...encoded[0]!, ...encoded[1]!].sort()).toEqual(sizes.sort());
  expect(Math.min(...encoded.map(({ length }) => length))).toBeGreaterThan(1);
});

it('another text in one process is named, and so are other options', async () => {
  const out = join(folder, 'x.bin');
  const [a, b, c] = texts;
  // The longest text goes to process 0, and one that is as long to process 1.
  const [d, otherD] = [c!, { ...c!, read: async () => new Uint8Array(c!.size) }].map((one) => ({ ...one, name: 'd' }));
  const all = ranksInOneProcess(2).map((communicator) =>
    run({ out, communicator }, [...texts, communicator.rank === 1 ? otherD! : d!]),
  );
  for (const one of await Promise.allSettled(all))
    expect(one).toMatchObject({ reason: { problem: 'd is another text for process 1 than for process 0' } });
  await expect(together(2, { out }, [a!, b!])).rejects.toThrow('texts of rank 1 is 2; expected 3, as rank 0 has');
});
