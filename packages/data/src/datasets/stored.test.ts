import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '.';
import type { TokenSource } from '../api';
import { trainingBatches } from '../batches';
import { DataError } from '../errors';
import { tokenSource } from '../source';
import { heldOut } from '../split';
import { byteTokenizer } from '../tokenizers/bytes';
import { gpt2Tokenizer } from '../tokenizers/gpt2';
import { all, edit, folder, served } from './stored.cases';

const kinds = ['v2.zarr', 'v3.zarr', 'tokens.bin'];

describe.each(kinds)('%s', (name) => {
  it('is the same on disk and on a server, read anyhow', async () => {
    const local = await openDataset(join(folder, name));
    const remote = await openDataset(`${served.address}/${name}`);
    const expected = await all(local);
    expect(await all(remote)).toEqual(expected);
    expect([remote.documentCount, remote.tokenCount]).toEqual([local.documentCount, local.tokenCount]);
    expect(remote.tokenizer?.name).toBe('gpt2');
    // A cache of nothing reads everything anew.
    const bare = await openDataset(join(folder, name), { cacheBytes: 0 });
    for (const [document, from, to] of [
      [0, 0, 0],
      [1, 0, 1],
      [2, 63, 66],
      [3, 1, 257],
      [11, 100, 200],
    ] as const) {
      expect([...(await bare.read(document, from, to))]).toEqual(expected[document]!.slice(from, to));
    }
    await expect(async () => local.read(0, 0, 9999)).rejects.toThrow(DataError);
    await expect(async () => local.read(local.documentCount, 0, 1)).rejects.toThrow(
      /a whole number below the \d+ documents/,
    );
  });

  it.each(['tail', 'documents'] as const)('never shows what is held out to training, by %s', async (by) => {
    const source = await openDataset(join(folder, name));
    const { train, heldOut: rest } = heldOut(source, { by, fraction: 0.25 });
    // Where each token stands in the dataset, in place of what it is.
    const begins: number[] = [];
    let begin = 0;
    for (let i = 0; i < source.documentCount; i++)
      begins.push((begin += source.documentLength(i)) - source.documentLength(i));
    const places = (part: TokenSource): TokenSource => ({ ...part, chunks: part.chunks, read: part.read });
    const marked = tokenSource(
      Array.from({ length: source.documentCount }, (_, i) => ({
        name: source.documentName(i),
        tokens: Int32Array.from({ length: source.documentLength(i) }, (_, j) => begins[i]! + j),
      })),
      { vocabSize: begin },
    );
    const twin = heldOut({ ...marked, chunks: source.chunks }, { by, fraction: 0.25 });
    const kept = new Set((await all(twin.heldOut)).flat());
    expect(kept.size).toBe(rest.tokenCount);
    for (const order of ['random', 'chunks'] as const) {
      const real = trainingBatches(places(train), { batch: 4, context: 32, seed: 2, order });
      const where = trainingBatches(twin.train, { batch: 4, context: 32, seed: 2, order });
      const flat = (await all(source)).flat();
      for (let step = 0; step < 60; step++) {
        const [batch, at] = [await real.next(), await where.next()];
        for (const place of [...at.inputs, ...at.targets]) expect(place >= 0 && kept.has(place)).toBe(false);
        // The twin is read at the same places.
        expect([...batch.inputs]).toEqual([...at.inputs].map((place) => flat[place]!));
        expect([...batch.targets]).toEqual([...at.targets].map((place) => (place < 0 ? -1 : flat[place]!)));
      }
    }
  });

  it('goes on from a cursor in another process', async () => {
    const first = trainingBatches(await openDataset(join(folder, name)), { batch: 3, context: 40, seed: 5 });
    for (let step = 0; step < 7; step++) await first.next();
    const cursor = JSON.parse(JSON.stringify(first.cursor())) as ReturnType<typeof first.cursor>;
    const again = trainingBatches(await openDataset(`${served.address}/${name}`), { batch: 3, context: 40, cursor });
    for (let step = 0; step < 5; step++) expect(await again.next()).toEqual(await first.next());
  });

  it('reads nothing twice that the cache holds', async () => {
    const source = await openDataset(`${served.address}/${name}`);
    served.asked = [];
    await all(source);
    const once = served.asked.length;
    await all(source);
    expect(served.asked.length).toBe(once);
    expect(new Set(served.asked).size).toBe(once);
  });
});

describe('a dataset of which something is lost', () => {
  const lost = async (from: string, ...names: string[]) => {
    const path = join(folder, `lost-${Math.random()}${from.slice(from.lastIndexOf('.'))}`);
    if (from === 'tokens.bin') {
      for (const suffix of ['', '.json', '.index', '.tokenizer.json']) {
        if (!names.includes(suffix)) await fs.cp(join(folder, `${from}${suffix}`), `${path}${suffix}`);
      }
    } else {
      await fs.cp(join(folder, from), path, { recursive: true });
      for (const name of names) await fs.rm(join(path, name));
    }
    return path;
  };
  it.each([
    ['tokens.bin', '.json'],
    ['tokens.bin', '.json', '.index'],
    ['tokens.bin', '.json', '.tokenizer.json'],
    ['v2.zarr', '.zattrs'],
  ])('is not read as GPT-2: %s without %s %s', async (from, ...names) => {
    const path = await lost(from, ...names);
    await expect(openDataset(path)).rejects.toThrow(/beside it, but not what else it was prepared with/);
    await expect(openDataset(path)).rejects.toThrow(DataError);
    const source = await openDataset(path, { tokenizer: await gpt2Tokenizer() });
    expect(source.documentCount).toBe((await openDataset(join(folder, from))).documentCount);
  });

  it('finds where documents end in the tokens, if that is all of them', async () => {
    const path = await lost('tokens.bin', '.index');
    expect(await all(await openDataset(path))).toEqual(await all(await openDataset(join(folder, 'tokens.bin'))));
    await edit(`${path}.json`, { documents: 11 });
    await expect(openDataset(path)).rejects.toThrow(/^documents of .* is 12; expected 11, as .*\.bin\.json says/);
  });

  it('does not take another tokenizer for its own', async () => {
    for (const [from, name] of [
      ['tokens.bin', ''],
      ['v3.zarr', '/'],
    ] as const) {
      // prettier-ignore
      const path = await lost(from);
      const file = name === '' ? `${path}.tokenizer.json` : join(path, 'tokenizer.json');
      await fs.writeFile(file, JSON.stringify(byteTokenizer()));
      await expect(openDataset(path)).rejects.toThrow(/^vocabulary of the tokenizer beside .* is 256; expected 50257/);
    }
  });
});

it.each(kinds)('%s keeps no more than a whole number of bytes', async (name) => {
  for (const cacheBytes of [NaN, -1, '1' as unknown as number]) {
    await expect(openDataset(join(folder, name), { cacheBytes })).rejects.toThrow(/^cacheBytes is/);
  }
});

describe('several datasets', () => {
  it('are one, of the same kind and tokenizer', async () => {
    const paths = [join(folder, 'v2.zarr'), join(folder, 'v3.zarr')];
    const both = await openDataset(paths);
    const [a, b] = await Promise.all(paths.map(async (path) => all(await openDataset(path))));
    expect(await all(both)).toEqual([...a!, ...b!]);
    expect(both.chunks!.rowOf(0)).not.toBe(both.chunks!.rowOf(a!.length));
    expect(new Set(Array.from({ length: both.documentCount }, (_, i) => both.documentName(i))).size).toBe(
      both.documentCount,
    );
    await expect(openDataset([paths[0]!, join(folder, 'tokens.bin')])).rejects.toThrow(/kinds of dataset/);
  });
});
