import { promises as fs } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { ConfigError } from '@sympow/kernels';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CheckpointError } from './errors';
import { folderStorage } from './folderStorage';
import { memoryStorage, type Storage } from './storage';

const text = async (storage: Storage, name: string) => new TextDecoder().decode(await storage.read(name));

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sympow-storage-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(scratch, { recursive: true });
});

describe.each([
  ['in memory', () => memoryStorage()],
  ['on disk', () => folderStorage(join(scratch, 'not', 'made', 'yet'))],
])('a folder %s', (_, open) => {
  it('is empty until something is written', async () => {
    const storage = open();
    expect(await storage.list()).toEqual([]);
    expect(await storage.size('x')).toBeUndefined();
    await storage.remove('x');
  });

  it('keeps text, bytes and pieces, and reads any part of them', async () => {
    const storage = open();
    async function* later() {
      yield Uint8Array.of(104);
      await Promise.resolve();
      yield Uint8Array.of(105, 33);
    }
    await storage.write('text', 'é');
    await storage.write('bytes', Uint8Array.of(1, 2, 3));
    await storage.write('pieces', [Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)]);
    await storage.write('later', later());
    await storage.write('foreign', runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array);
    expect(await storage.list()).toEqual(['bytes', 'foreign', 'later', 'pieces', 'text']);
    expect(await storage.read('foreign')).toEqual(Uint8Array.of(1, 2, 3));
    expect(await text(storage, 'text')).toBe('é');
    expect(await storage.read('bytes', 1)).toEqual(Uint8Array.of(2, 3));
    expect(await storage.read('pieces', 1, 2)).toEqual(Uint8Array.of(2));
    expect(await text(storage, 'later')).toBe('hi!');
    expect(await storage.size('text')).toBe(2);
  });

  it('replaces a file as a whole, or not at all when its contents fail', async () => {
    const storage = open();
    await storage.write('a', 'a long text');
    await storage.write('a', 'short');
    expect(await text(storage, 'a')).toBe('short');
    function* failing(): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new RangeError('the device is gone');
    }
    await expect(storage.write('a', failing())).rejects.toThrow(RangeError);
    expect(await text(storage, 'a')).toBe('short');
    expect(await storage.list()).toEqual(['a']);
  });

  it('renames and removes folders with what is in them', async () => {
    const storage = open();
    await storage.folder('a').folder('b').write('c', '1');
    await storage.rename('a', 'z');
    expect(await storage.list()).toEqual(['z']);
    expect(await text(storage.folder('z').folder('b'), 'c')).toBe('1');
    expect(await storage.folder('a').list()).toEqual([]);
    await storage.remove('z');
    expect(await storage.list()).toEqual([]);
  });

  it('does not rename onto a folder that is there', async () => {
    const storage = open();
    await storage.folder('a').write('x', '1');
    await storage.folder('b').write('x', '2');
    await expect(storage.rename('a', 'b')).rejects.toThrow(CheckpointError);
    expect(await text(storage.folder('b'), 'x')).toBe('2');
  });

  it('says which file is missing or too short', async () => {
    const storage = open();
    await expect(storage.read('gone')).rejects.toThrow(/^there is no file .*gone; expected it to be there\./);
    await storage.write('short', 'abc');
    await expect(storage.read('short', 1, 9)).rejects.toThrow(/short ends after 3 bytes; expected at least 9/);
  });

  it.each(['..', '.', '', 'a/b', '/etc/passwd', 'a\\b', 'a\0'])(
    'takes no name that leads elsewhere: %j',
    async (name) => {
      const storage = open();
      expect(() => storage.folder(name)).toThrow(ConfigError);
      await expect(storage.read(name)).rejects.toThrow(ConfigError);
      await expect(storage.write(name, '')).rejects.toThrow(ConfigError);
    },
  );
});

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
    expect(error).toBeInstanceOf(CheckpointError);
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
    await expect(folderStorage('/proc/nowhere/deeper').write('x', '')).rejects.toThrow(CheckpointError);
  });
});
