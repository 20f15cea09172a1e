/**
 * A folder on disk. Node's modules are asked for when they are needed and never imported, so that the package can be
 * bundled for a browser.
 */

import { ConfigError, isError } from '@sympow/kernels';
import { CheckpointError } from './errors';
import { chunksOf, fileTooShort, missingFile, requireName, type FileContents, type Storage } from './storage';

/** Most bytes that one call of the operating system reads. */
const readPiece = 2 ** 30;

/**
 * The folder at `path`, which need not exist yet.
 *
 * @throws CheckpointError in a runtime without Node's modules
 * @throws ConfigError for an empty path, which would mean the working folder
 * @example
 * ```ts
 * const model = await loadModel(backend, folderStorage('runs/first'));
 * ```
 */
export function folderStorage(path: string): Storage {
  const { fs, path: paths } = node();
  if (path === '')
    throw new ConfigError({ what: 'path', value: path, expected: 'that of a folder, which is not empty' });
  const root = paths.resolve(path);
  const at = (name: string) => paths.join(root, requireName(name));

  return {
    path: root,

    async list() {
      try {
        return (await fs.readdir(root)).sort();
      } catch (cause) {
        if (codeOf(cause) === 'ENOENT') return [];
        throw failure('read', root, cause);
      }
    },

    async size(name) {
      try {
        const stats = await fs.stat(at(name));
        return stats.isFile() ? stats.size : undefined;
      } catch (cause) {
        if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
        throw failure('read', at(name), cause);
      }
    },

    async read(name, begin = 0, end) {
      try {
        const file = await fs.open(at(name));
        try {
          const stop = end ?? (await file.stat()).size;
          const bytes = new Uint8Array(stop - begin);
          for (let done = 0; done < bytes.length;) {
            const { bytesRead } = await file.read(bytes, done, Math.min(readPiece, bytes.length - done), begin + done);
            if (bytesRead === 0) throw fileTooShort(at(name), begin + done, stop);
            done += bytesRead;
          }
          return bytes;
        } finally {
          await file.close();
        }
      } catch (cause) {
        throw failure('read', at(name), cause);
      }
    },

    async write(name, contents) {
      const temporary = at(`${name}.${crypto.randomUUID().slice(0, 8)}.partial`);
      try {
        await makeFolder(root);
        await writeFlushed(temporary, contents);
        await fs.rename(temporary, at(name));
        await flushFolder(root);
      } catch (cause) {
        await fs.rm(temporary, { force: true }).catch(() => undefined);
        throw failure('write', at(name), cause);
      }
    },

    async rename(from, to) {
      try {
        await fs.rename(at(from), at(to));
        await flushFolder(root);
      } catch (cause) {
        throw failure('rename', at(from), cause);
      }
    },

    async remove(name) {
      try {
        await fs.rm(at(name), { recursive: true, force: true });
      } catch (cause) {
        throw failure('remove', at(name), cause);
      }
    },

    folder: (name) => folderStorage(at(name)),
  };
}

/** Writes a new file: one that is there already, or a link that leads elsewhere, is left alone. */
async function writeFlushed(path: string, contents: FileContents): Promise<void> {
  const file = await node().fs.open(path, 'wx');
  try {
    for await (const chunk of chunksOf(contents)) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Makes a folder, with those above it, so that it outlasts a power failure. (Node's own recursive `mkdir` never comes back
 * where a file system answers that a folder is missing which it lists, as `/proc` does.)
 */
export async function makeFolder(path: string): Promise<void> {
  const { fs, path: paths } = node();
  const parent = paths.dirname(path);
  try {
    await fs.mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error;
    await makeFolder(parent);
    await fs.mkdir(path).catch((again: unknown) => {
      // Another process has just made it.
      if (codeOf(again) !== 'EEXIST') throw again;
    });
  }
  await flushFolder(parent);
}

/** Makes renames and new names in a folder outlast a power failure. Windows and some network file systems cannot. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await node().fs.open(path);
  try {
    await folder.sync();
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    await folder.close();
  }
}

const noSpace = ['the disk is full', 'enough free space', 'Free some; what was saved before is intact.'] as const;
const noPermission = ['permission is missing', 'a folder that you may write to', 'Choose another path.'] as const;
const noFolder = ['a file stands where a folder should', 'a folder', 'Choose another path.'] as const;
const problems: Readonly<Record<string, readonly [problem: string, expected: string, remedy: string]>> = {
  ENOSPC: noSpace,
  EDQUOT: noSpace,
  EACCES: noPermission,
  EPERM: noPermission,
  EROFS: noPermission,
  ENOTDIR: noFolder,
  EEXIST: noFolder,
  ENOTEMPTY: ['the new name is taken', 'a free name', 'Move what is there away.'],
};

/** What a call of the file system failed with, as one line; errors from elsewhere as they are. */
function failure(action: string, path: string, cause: unknown): unknown {
  if (!(isError(cause) && 'syscall' in cause)) return cause;
  if (action === 'read' && codeOf(cause) === 'ENOENT') return missingFile(path, cause);
  const unknown = [cause.message, 'a folder that can be read and written', 'Choose another path.'] as const;
  const [problem, expected, remedy] = problems[codeOf(cause) ?? ''] ?? unknown;
  const message = `cannot ${action} ${path}: ${problem}`;
  return new CheckpointError({ what: path, value: codeOf(cause), message, expected, remedy, cause });
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

function node() {
  const builtin = typeof process === 'undefined' ? undefined : process.getBuiltinModule;
  if (!builtin) {
    throw new CheckpointError({
      what: 'runtime',
      value: undefined,
      message: 'this runtime has no folders',
      expected: 'Node 20.19 or newer, or one that offers process.getBuiltinModule',
      remedy: 'Use memoryStorage, or a Storage of your own.',
    });
  }
  return { fs: builtin('node:fs/promises'), path: builtin('node:path') };
}
