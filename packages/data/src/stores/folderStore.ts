// A folder on disk.
import { isSympowError, messageOf } from '@sympow/kernels';
import { DataError } from '../errors';
import { codeOf, nodeFiles } from '../runtime';
import type { ByteStore } from './api';
import { KnownFiles } from './known';
import { resolveRange } from './range';

/** The folder at `root`. @throws DataError in a runtime without files */
export function folderStore(root: string): ByteStore {
  const { fs, path } = nodeFiles();
  const locate = (key: string) => path.join(root, key);
  const known = new KnownFiles();
  /** Opening does not wait for a writer, as it would with a pipe. */
  const flags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
  return {
    name: root,
    locate,
    async read(key, range) {
      const at = locate(key);
      try {
        const file = await fs.open(at, flags);
        try {
          const stats = await file.stat();
          if (!stats.isFile()) return undefined;
          known.found(at, { size: stats.size, inode: stats.ino, modified: stats.mtimeMs });
          const { begin, end } = resolveRange(range, stats.size, at);
          const bytes = new Uint8Array(end - begin);
          for (let done = 0; done < bytes.length;) {
            const { bytesRead } = await file.read(bytes, done, bytes.length - done, begin + done);
            if (bytesRead === 0) resolveRange({ begin, end }, begin + done, at);
            done += bytesRead;
          }
          return bytes;
        } finally {
          await file.close();
        }
      } catch (error) {
        missingOrThrow(at, error);
        return known.missing(at);
      }
    },
    async size(key) {
      try {
        const stats = await fs.stat(locate(key));
        return stats.isFile() ? stats.size : undefined;
      } catch (error) {
        return missingOrThrow(locate(key), error);
      }
    },
  };
}

function missingOrThrow(path: string, error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '')) return;
  if (isSympowError(error, 'DATA')) throw error;
  const reason = messageOf(error);
  throw new DataError({
    what: 'path',
    value: path,
    message: `cannot read "${path}" (${reason})`,
    expected: 'a file that may be read',
    cause: error,
  });
}
