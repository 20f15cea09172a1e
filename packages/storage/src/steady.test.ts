import { execFileSync } from 'node:child_process';
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StorageError } from './errors';
import { readWhole } from './files';
import { folderStorage } from './folder';

let folder: string;
beforeAll(async () => void (folder = await fs.mkdtemp(join(tmpdir(), 'store-'))));
afterAll(() => fs.rm(folder, { recursive: true }));

describe('a folder', () => {
  it('whose file is replaced or removed between two reads is an error', async () => {
    const store = folderStorage(folder, { steady: true });
    await fs.writeFile(join(folder, 'a'), 'one');
    expect(await store.read('a', 0, 2)).toEqual(new TextEncoder().encode('on'));
    expect(await store.read('a', 0, 3)).toEqual(new TextEncoder().encode('one'));
    await fs.writeFile(join(folder, 'b'), 'two');
    await fs.rename(join(folder, 'b'), join(folder, 'a'));
    await expect(store.read('a', 0, 3)).rejects.toThrow(/was replaced while it was read/);
    await fs.rm(join(folder, 'a'));
    await expect(store.read('a', 0, 3)).rejects.toThrow(/was removed while it was read/);
    await expect(store.read('a', 0, 3)).rejects.toThrow(StorageError);
    await expect(store.read('c', 0, 3)).rejects.toThrow(/^there is no file /);
    await store.write('d', 'one');
    await store.read('d');
    await store.write('d', 'another');
    expect((await store.read('d')).length).toBe(7);
  });

  it.runIf(process.platform !== 'win32')(
    'has no file where a pipe or a folder is, and does not wait for it',
    async () => {
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      await fs.mkdir(join(folder, 'sub'));
      const store = folderStorage(folder, { steady: true });
      for (const name of ['pipe', 'sub']) {
        expect(await readWhole(store, name, 10)).toBeUndefined();
        await expect(store.read(name)).rejects.toThrow(/^there is no file /);
        expect(await store.size(name)).toBeUndefined();
      }
    },
  );
});
