/**
 * A folder on disk. Files are written beside their place, flushed, and renamed; then their folder is flushed as well.
 */
import { ConfigError } from '@sympow/core';
import type { FileContents, Storage } from './api';
import { fileTooShort, missingFile } from './errors';
import { chunksOf, requireName, requireRange } from './files';
import { openGrowing, type GrowingFile } from './growing';
import { KnownFiles } from './known';
import { codeOf, failure, nodeFiles } from './node';

/** Most bytes that one call of the operating system reads. */
const readPiece = 2 ** 30;
/** What a file is called until it is whole. */
const PARTIAL = /\.[0-9a-f]{8}\.partial$/;

/** A folder on disk, which can also hold what grows. */
export interface FolderStorage extends Storage {
  folder(name: string): FolderStorage;
  /**
   * Opens a file that grows, cut to `length`; made where it is not there.
   *
   * @throws StorageError `short` if it is shorter, `taken` if it is a link that leads elsewhere
   */
  grow(name: string, length: number): Promise<GrowingFile>;
  /** Moves a file of the folder `folder` up into this one, under another name, as `rename` does. */
  lift(folder: string, name: string, to: string): Promise<void>;
  /** Removes what killed writes have left here and below. Nobody else may write meanwhile. */
  sweep(): Promise<void>;
}

/** How a folder is read. */
export interface FolderOptions {
  /** Refuses files that become others between two reads, as parts of two files are no file. No, unless said otherwise. */
  readonly steady?: boolean;
}

/**
 * The folder at `path`, which need not exist yet.
 *
 * @throws StorageError `unsupported` in a runtime without Node's modules
 * @throws ConfigError for an empty path, which would mean the working folder
 * @example
 * ```ts
 * import { folderStorage } from '@sympow/storage';
 * const storage = folderStorage('runs/first');
 * await storage.write('note.txt', 'all or nothing');
 * console.log(await storage.size('note.txt')); // 14
 * ```
 */
export function folderStorage(path: string, { steady = false }: FolderOptions = {}): FolderStorage {
  const { path: paths } = nodeFiles();
  if (path === '')
    throw new ConfigError({ what: 'path', value: path, expected: 'that of a folder, which is not empty' });
  return folderAt(paths.resolve(path), steady ? new KnownFiles() : undefined);
}

function folderAt(root: string, known: KnownFiles | undefined): FolderStorage {
  const { fs, path: paths } = nodeFiles();
  const at = (name: string) => paths.join(root, requireName(name));
  /** Opening does not wait for a writer, as it would with a pipe. */
  const reading = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

  async function moveTo(from: string, to: string): Promise<void> {
    try {
      await fs.rename(from, at(to));
      await flushFolder(root);
    } catch (cause) {
      throw failure('rename', from, cause);
    }
  }

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
      const file = await fs.open(at(name), reading).catch((cause: unknown) => {
        if (codeOf(cause) === 'ENOENT') known?.missing(at(name));
        throw failure('read', at(name), cause);
      });
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw missingFile(at(name));
        known?.found(at(name), { size: stats.size, inode: stats.ino, modified: stats.mtimeMs });
        const stop = end ?? stats.size;
        requireRange(at(name), begin, stop, stats.size);
        const bytes = new Uint8Array(stop - begin);
        for (let done = 0; done < bytes.length;) {
          const { bytesRead } = await file.read(bytes, done, Math.min(readPiece, bytes.length - done), begin + done);
          if (bytesRead === 0) throw fileTooShort(at(name), begin + done, stop);
          done += bytesRead;
        }
        return bytes;
      } catch (cause) {
        throw failure('read', at(name), cause);
      } finally {
        await file.close();
      }
    },

    async write(name, contents) {
      const temporary = at(`${name}.${crypto.randomUUID().slice(0, 8)}.partial`);
      try {
        await makeFolder(root);
        await writeFlushed(temporary, contents);
        await fs.rename(temporary, at(name));
        await flushFolder(root);
        known?.forget(at(name));
      } catch (cause) {
        await fs.rm(temporary, { force: true }).catch(() => undefined);
        throw failure('write', at(name), cause);
      }
    },

    rename: (from, to) => moveTo(at(from), to),
    lift: (folder, name, to) => moveTo(paths.join(at(folder), requireName(name)), to),

    async remove(name) {
      try {
        await fs.rm(at(name), { recursive: true, force: true });
      } catch (cause) {
        throw failure('remove', at(name), cause);
      }
    },

    async grow(name, length) {
      await makeFolder(root).catch((cause: unknown) => {
        throw failure('write', at(name), cause);
      });
      return openGrowing(at(name), length);
    },

    async sweep() {
      try {
        const entries = await fs.readdir(root, { withFileTypes: true });
        for (const entry of entries) {
          if (entry.isDirectory()) await this.folder(entry.name).sweep();
          else if (PARTIAL.test(entry.name)) await fs.rm(at(entry.name), { force: true });
        }
      } catch (cause) {
        // Where no folder can be, nothing is to be removed; who writes there is told.
        if (codeOf(cause) !== 'ENOENT' && codeOf(cause) !== 'ENOTDIR') throw failure('remove', root, cause);
      }
    },

    folder: (name) => folderAt(at(name), known),
  };
}

/** Writes a new file: one that is there already, or a link that leads elsewhere, is left alone. */
async function writeFlushed(path: string, contents: FileContents): Promise<void> {
  const file = await nodeFiles().fs.open(path, 'wx');
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
  const { fs, path: paths } = nodeFiles();
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
  const folder = await nodeFiles().fs.open(path);
  try {
    await folder.sync();
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    await folder.close();
  }
}
