import { execFileSync } from 'node:child_process';
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../errors';
import { folderStore } from './folderStore';

let folder: string;
beforeAll(async () => void (folder = await fs.mkdtemp(join(tmpdir(), 'store-'))));
afterAll(() => fs.rm(folder, { recursive: true }));

describe('a folder', () => {
  it('whose file is replaced or removed between two reads is an error', async () => {
    const store = folderStore(folder);
    await fs.writeFile(join(folder, 'a'), 'one');
    expect(await store.read('a', { begin: 0, end: 2 })).toEqual(new TextEncoder().encode('on'));
    expect(await store.read('a', { begin: 0, end: 3 })).toEqual(new TextEncoder().encode('one'));
    await fs.writeFile(join(folder, 'b'), 'two');
    await fs.rename(join(folder, 'b'), join(folder, 'a'));
    await expect(store.read('a', { begin: 0, end: 3 })).rejects.toThrow(/was replaced while it was read/);
    await fs.rm(join(folder, 'a'));
    await expect(store.read('a', { begin: 0, end: 3 })).rejects.toThrow(/was removed while it was read/);
    await expect(store.read('a', { begin: 0, end: 3 })).rejects.toThrow(DataError);
    expect(await store.read('c', { begin: 0, end: 3 })).toBeUndefined();
  });

  it.runIf(process.platform !== 'win32')(
    'has no file where a pipe or a folder is, and does not wait for it',
    async () => {
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      await fs.mkdir(join(folder, 'sub'));
      const store = folderStore(folder);
      for (const name of ['pipe', 'sub']) {
        expect(await store.read(name, { atMost: 10 })).toBeUndefined();
        expect(await store.size(name)).toBeUndefined();
      }
    },
  );

  it('has errors of ours for names that no file has', async () => {
    await expect(folderStore(folder).read('a\0b', { atMost: 1 })).rejects.toThrow(DataError);
    await expect(folderStore(folder).size('a\0b')).rejects.toThrow(DataError);
  });
});
