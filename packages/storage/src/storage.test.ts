import { promises as fs } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Storage } from './api';
import { cachedStorage } from './cachedStorage';
import { StorageError } from './errors';
import { folderStorage } from './folder';
import { memoryStorage } from './memory';
import { describeStorage } from './storage.cases';

const text = async (storage: Storage, name: string) => new TextDecoder().decode(await storage.read(name));

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sympow-storage-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(scratch, { recursive: true });
});

describeStorage('in memory', () => memoryStorage());
describeStorage('on disk', () => folderStorage(join(scratch, 'not', 'made', 'yet')));
describeStorage('with a cache', () => cachedStorage(memoryStorage(), { blockBytes: 2 }));

describe('a folder on disk', () => {
  const oneLine = /^[^\n]+$/;

  it.each([
    ['ENOSPC', /^cannot write .*weights: the disk is full; expected enough free space\. .*intact\.$/],
    ['EDQUOT', /the disk is full/],
    ['EACCES', /permission is missing; expected a folder that you may write to\. Choose another path\.$/],
    ['EROFS', /permission is missing/],
    ['EIO', /the disk trembles; expected a folder that can be read and written/],
  ])('turns %s into one line with the path and a remedy, and leaves nothing behind', async (code, message) => {
    const storage = folderStorage(scratch);
    await storage.write('weights', 'as before');
    const open = fs.open;
    vi.spyOn(fs, 'open').mockImplementation(async (...parameters) => {
      const file = await open(...parameters);
      const broken = Object.assign(new Error('the disk trembles'), { code, syscall: 'write' });
      file.writeFile = () => Promise.reject(broken);
      return file;
    });
    const error: unknown = await storage.write('weights', 'now').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StorageError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(oneLine);
    expect((error as Error).message).toContain(scratch);
    expect(await storage.list()).toEqual(['weights']);
    expect(await text(storage, 'weights')).toBe('as before');
  });

  it('says so when a file stands where a folder should', async () => {
    const storage = folderStorage(scratch);
    await storage.write('file', '');
    const wrong = folderStorage(join(scratch, 'file'));
    await expect(wrong.list()).rejects.toThrow(/a file stands where a folder should/);
    await expect(wrong.write('x', '')).rejects.toThrow(/a file stands where a folder should/);
    expect(await wrong.size('x')).toBeUndefined();
  });

  it('flushes a file before it gets its name, and its folder after', async () => {
    const calls: string[] = [];
    const { open, rename } = fs;
    vi.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => {
      const file = await open(path, ...rest);
      const sync = file.sync.bind(file);
      file.sync = () => {
        calls.push(`sync ${String(path).slice(scratch.length)}`);
        return sync();
      };
      return file;
    });
    vi.spyOn(fs, 'rename').mockImplementation((from, to) => {
      calls.push(`rename ${String(from).slice(scratch.length)} ${String(to).slice(scratch.length)}`);
      return rename(from, to);
    });
    await folderStorage(scratch).folder('a').write('x', '1');
    const [, temporary] = /^sync (\/a\/x\.[0-9a-f]{8}\.partial)$/.exec(calls[1]!)!;
    expect(calls).toEqual(['sync ', `sync ${temporary}`, `rename ${temporary} /a/x`, 'sync /a']);
  });

  it('follows no link that waits where it writes', async () => {
    const victim = join(scratch, 'victim');
    await fs.writeFile(victim, 'precious');
    for (const name of ['x.partial', 'x.00000000.partial', 'x']) await fs.symlink(victim, join(scratch, name));
    vi.spyOn(crypto, 'randomUUID').mockReturnValue('00000000-0000-4000-8000-000000000000');
    const storage = folderStorage(scratch);
    await expect(storage.write('x', 'mine')).rejects.toThrow(/cannot write .*x: /);
    expect(await fs.readFile(victim, 'utf8')).toBe('precious');
    vi.restoreAllMocks();
    await storage.write('x', 'mine');
    expect(await fs.readFile(victim, 'utf8')).toBe('precious');
    expect((await fs.lstat(join(scratch, 'x'))).isFile()).toBe(true);
  });

  it('is written to by several at a time, and holds what one of them wrote', async () => {
    const wait = () => new Promise((resolve) => setTimeout(resolve, 5));
    async function* slowly(letter: string, pieces: number) {
      for (let i = 0; i < pieces; i++) {
        await wait();
        yield new TextEncoder().encode(letter);
      }
    }
    const storage = folderStorage(scratch);
    await Promise.all([storage.write('x', slowly('a', 2)), storage.write('x', slowly('b', 6))]);
    expect(await text(storage, 'x')).toMatch(/^(aa|bbbbbb)$/);
    expect(await storage.list()).toEqual(['x']);
  });

  it('has a path', () => {
    expect(() => folderStorage('')).toThrow(/^path is ""; expected that of a folder/);
  });

  it('comes to an end where folders cannot be made, though they seem to be missing', async () => {
    await expect(folderStorage('/proc/nowhere/deeper').write('x', '')).rejects.toThrow(StorageError);
  });
});
