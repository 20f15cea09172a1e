// What every storage has to do that can be written to.
import { ConfigError } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import type { Storage } from './api';
import { StorageError } from './errors';

const text = async (storage: Storage, name: string) => new TextDecoder().decode(await storage.read(name));

/** @param open - a folder that does not exist yet, another one each time */
export function describeStorage(where: string, open: () => Storage): void {
  describe(`a folder ${where}`, () => {
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
      expect(await storage.list()).toEqual(['bytes', 'later', 'pieces', 'text']);
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
      await expect(storage.rename('a', 'b')).rejects.toThrow(StorageError);
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
}
