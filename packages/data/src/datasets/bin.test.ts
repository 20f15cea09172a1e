import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '.';
import { DataError } from '../errors';
import { binFile } from './bin';
import { all, folder } from './stored.cases';

describe('a .bin', () => {
  it('of nanoGPT is cut at its end-of-text tokens', async () => {
    const path = join(folder, 'nano.bin');
    await fs.writeFile(path, new Uint8Array(Uint16Array.of(1, 2, 50256, 3, 50256, 4, 5).buffer));
    const source = await openDataset(path);
    expect(await all(source)).toEqual([
      [50256, 1, 2, 50256],
      [50256, 3, 50256],
      [50256, 4, 5],
    ]);
    expect([source.tokenCount, source.details!['dtype']]).toEqual([10, 'uint16']);
  });

  it('may have numbers of four bytes', async () => {
    const path = join(folder, 'wide.bin');
    await fs.writeFile(path, new Uint8Array(Uint32Array.of(1, 50256, 7).buffer));
    expect(await all(await binFile(path, { dtype: 'uint32' }))).toEqual([[50256, 1, 50256], [50256, 7]]); // prettier-ignore
  });

  it('says what is wrong with it', async () => {
    const write = async (name: string, ids: number[]) => {
      await fs.writeFile(join(folder, name), new Uint8Array(Uint16Array.from(ids).buffer));
      return join(folder, name);
    };
    const large = await write('large.bin', [1, 60000, 50256]);
    await expect(openDataset(large)).rejects.toThrow(
      /^token 1 of .*large\.bin is 60000; expected below the vocabulary/,
    );
    expect((await all(await openDataset(large, { damaged: 'skip' })))[0]).toEqual([50256, -1, -1, -1]);
    await fs.writeFile(join(folder, 'odd.bin'), Buffer.alloc(5));
    await expect(openDataset(join(folder, 'odd.bin'))).rejects.toThrow(/odd\.bin is 5; expected a multiple of 2 bytes/);
    await expect(openDataset(join(folder, 'gone.bin'))).rejects.toThrow(/expected a file that is there/);
    const short = join(folder, 'short.bin');
    for (const suffix of ['', '.json', '.index', '.tokenizer.json']) {
      await fs.cp(join(folder, `tokens.bin${suffix}`), `${short}${suffix}`);
    }
    await fs.truncate(`${short}.index`, 16);
    await expect(openDataset(short)).rejects.toThrow(/^index .* is 2; expected 12 ends of documents/);
    await fs.truncate(`${short}.index`, 7);
    await expect(openDataset(short)).rejects.toThrow(/^index .* is 0\.875; expected 12 ends of documents/);
    await expect(openDataset(short)).rejects.toThrow(DataError);
    await fs.truncate(short, 100);
    await expect(openDataset(short)).rejects.toThrow(
      /^size of .*short\.bin is 100; expected \d+ bytes, as short\.bin\.json/,
    );
  });
});
