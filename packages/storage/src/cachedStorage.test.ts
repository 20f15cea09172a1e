import { describe, expect, it } from 'vitest';
import type { Storage } from './api';
import { cachedStorage } from './cachedStorage';
import { memoryStorage } from './memory';

/** A storage that counts the bytes that are read from it. */
function counted() {
  const storage = memoryStorage();
  const reads: string[] = [];
  const counting = (inner: Storage): Storage => ({
    ...{ path: inner.path, list: () => inner.list(), size: (name) => inner.size(name) },
    ...{ write: (name, contents) => inner.write(name, contents), remove: (name) => inner.remove(name) },
    rename: (from, to) => inner.rename(from, to),
    read: (name, begin, end) => {
      reads.push(`${name} ${begin}-${end}`);
      return inner.read(name, begin, end);
    },
    folder: (name) => counting(inner.folder(name)),
  });
  return { storage: counting(storage), reads };
}

describe('a storage with a cache', () => {
  it('reads whole blocks, each once, and large parts as they are', async () => {
    const { storage, reads } = counted();
    await storage.write('a', 'abcdefghij');
    const cached = cachedStorage(storage, { blockBytes: 4 });
    const read = async (begin: number, end?: number) => new TextDecoder().decode(await cached.read('a', begin, end));
    expect(await read(1, 3)).toBe('bc');
    expect(await read(3, 6)).toBe('def');
    expect(await read(9)).toBe('j');
    expect(await read(2, 9)).toBe('cdefghi');
    expect(reads).toEqual(['a 0-4', 'a 4-8', 'a 8-10', 'a 2-9']);
  });

  it('forgets what is written, renamed or removed, also below', async () => {
    const { storage } = counted();
    const cached = cachedStorage(storage);
    const text = async () => new TextDecoder().decode(await cached.folder('f').read('a', 0, 3));
    await cached.folder('f').write('a', 'one');
    expect(await text()).toBe('one');
    await cached.folder('f').write('a', 'two');
    expect(await text()).toBe('two');
    await cached.rename('f', 'g');
    await cached.folder('f').write('a', 'six');
    expect(await text()).toBe('six');
    await cached.remove('f');
    await expect(text()).rejects.toThrow(/^there is no file/);
  });
});
