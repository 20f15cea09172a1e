import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenizerFromJSON } from '.';
import { openDataset } from '../datasets';
import { textSource } from '../datasets/text';
import { prepare } from '../prepare/prepare';
import { joinSources } from '../source';
import { byteTokenizer } from './bytes';
import { tokenizerJSON } from './fixtures.cases';

let folder: string;
beforeAll(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'tokenizers-'));
});
afterAll(() => fs.rm(folder, { recursive: true, force: true }));

/** Both are `bpe` of 1,000 tokens. */
const [one, other] = ['gpt2', 'qwen'].map((name) => () => tokenizerFromJSON(tokenizerJSON(name))) as [
  () => ReturnType<typeof tokenizerFromJSON>,
  () => ReturnType<typeof tokenizerFromJSON>,
];

it('tokens of one tokenizer are not read with another of the same name and size', async () => {
  const bytes = new TextEncoder().encode('It was the whale.');
  const input = { name: 'a', size: bytes.length, read: () => Promise.resolve(bytes) };
  for (const [out, zarr] of [
    ['a.bin', undefined],
    ['a.zarr', { length: 4, chunk: [2, 2] as const }],
  ] as const) {
    const path = join(folder, out);
    for await (const event of prepare([input], { out: path, tokenizer: await one(), zarr }))
      expect(event).toBeDefined();
    expect((await openDataset(path, { tokenizer: await one() })).tokenizer!.name).toBe('bpe');
    await expect(openDataset(path, { tokenizer: await other() })).rejects.toThrow(
      /^the tokenizer is another "bpe" with 1000 tokens than that beside .*; expected the one that it was made with/,
    );
  }
});

it('sources of several tokenizers are not joined', async () => {
  const [a, b, c] = [await one(), await one(), await other()].map((tokenizer) => textSource('a whale', { tokenizer }));
  expect(joinSources([a!, b!]).documentCount).toBe(2);
  expect(() => joinSources([a!, c!])).toThrow('expected at least one, all of the same tokenizer');
  const bytes = () => textSource('a whale', { tokenizer: byteTokenizer() });
  expect(joinSources([bytes(), bytes()]).documentCount).toBe(2);
});
