// A storage whose small reads are rounded to blocks, which are kept for a while: a thousand tensors of some bytes each are then
// a handful of requests.
import type { FileContents, Storage } from './api';
import { ByteCache } from './byteCache';
import { requireName } from './files';

/** What is kept. */
export interface CacheOptions {
  /** Most bytes that are kept; 16 MiB unless said otherwise. */
  readonly cacheBytes?: number;
  /** Bytes of a block; 256 KiB unless said otherwise. A read of at least as many goes past the cache. */
  readonly blockBytes?: number;
}

/**
 * The same folder with a cache in front of it, for storages where asking is dear.
 *
 * @example
 * ```ts
 * import { cachedStorage, memoryStorage } from '@sympow/storage';
 * const storage = cachedStorage(memoryStorage());
 * ```
 */
export function cachedStorage(storage: Storage, options: CacheOptions = {}): Storage {
  const { cacheBytes = 2 ** 24, blockBytes = 2 ** 18 } = options;
  return folderOf(storage, blockBytes, new ByteCache(cacheBytes));
}

function folderOf(storage: Storage, blockBytes: number, cache: ByteCache<Uint8Array>): Storage {
  const path = (name: string) => `${storage.path}/${requireName(name)}`;
  /** Forgets a file, or all that lies in a folder. */
  const forget = (name: string) => cache.drop((key) => key.startsWith(`${path(name)}/`));
  return {
    path: storage.path,
    list: () => storage.list(),
    size: (name) => storage.size(name),
    async read(name, begin = 0, end) {
      if (end !== undefined && end - begin >= blockBytes) return storage.read(name, begin, end);
      const size = await storage.size(name);
      const stop = end ?? size ?? 0;
      // What is amiss, the storage itself says best.
      const amiss = size === undefined || begin < 0 || stop > size || begin >= stop;
      if (amiss || stop - begin >= blockBytes) return storage.read(name, begin, end);
      const bytes = new Uint8Array(stop - begin);
      for (let at = begin; at < stop;) {
        const first = at - (at % blockBytes);
        const load = () => storage.read(name, first, Math.min(first + blockBytes, size));
        const block = await cache.get(`${path(name)}/${first}`, load);
        const piece = block.subarray(at - first, stop - first);
        bytes.set(piece, at - begin);
        at += piece.length;
      }
      return bytes;
    },
    async write(name: string, contents: FileContents) {
      await storage.write(name, contents);
      forget(name);
    },
    async rename(from, to) {
      await storage.rename(from, to);
      forget(from);
    },
    async remove(name) {
      await storage.remove(name);
      forget(name);
    },
    folder: (name) => folderOf(storage.folder(name), blockBytes, cache),
  };
}
