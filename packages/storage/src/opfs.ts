/**
 * A folder of a browser's own file system (OPFS), which a page keeps for its origin. A file is replaced in one step. A folder
 * cannot be renamed there: it is copied, and until the copy is whole it holds a file `.moving`, for which it counts as not
 * there. What was closed is on the way to the disk; a browser promises nothing for the moment in which the power fails.
 */
import { isError } from '@sympow/core';
import type { FileContents, Storage } from './api';
import { missingFile, nameTaken, StorageError } from './errors';
import { chunksOf, requireName, requireRange } from './files';

const MOVING = '.moving';
/** What Chromium calls a file that is being written. */
const SWAP = /\.crswap$/;

/**
 * The folder at `path` in the browser's file system, which need not exist yet.
 *
 * @param path - names with slashes between them; the whole file system unless said otherwise
 * @throws StorageError `unsupported` where there is no such file system, when it is first used
 * @example
 * ```ts
 * const storage = opfsStorage('models/first'); // in a page or a worker
 * await saveModel(storage, model);
 * ```
 */
export function opfsStorage(path = ''): Storage {
  const names = path.split('/').filter((name) => name !== '');
  for (const name of names) requireName(name);
  return folderAt(names);
}

function folderAt(names: readonly string[]): Storage {
  const path = ['opfs:', ...names].join('/');
  const at = (name: string) => `${path}/${requireName(name)}`;
  const here = () => directoryAt(names);

  const storage: Storage = {
    path,
    async list() {
      return named('read', path, async () => {
        const directory = await here();
        const found: string[] = [];
        if (!directory) return found;
        for await (const [name, handle] of entriesOf(directory)) {
          if (name === MOVING || SWAP.test(name)) continue;
          if (handle.kind === 'file' || !(await isMoving(handle))) found.push(name);
        }
        return found.sort();
      });
    },
    async size(name) {
      return named('read', at(name), async () => (await fileOf(await here(), name))?.size);
    },
    async read(name, begin = 0, end) {
      return named('read', at(name), async () => {
        const file = await fileOf(await here(), name);
        if (!file) throw missingFile(at(name));
        requireRange(at(name), begin, end ?? file.size, file.size);
        return new Uint8Array(await file.slice(begin, end ?? file.size).arrayBuffer());
      });
    },
    async write(name, contents) {
      await named('write', at(name), async () => write(await directoryAt(names, true), name, contents));
    },
    async rename(from, to) {
      await named('rename', at(from), async () => {
        requireName(to);
        const directory = await here();
        const [old, taken] = [await entryOf(directory, from), await entryOf(directory, to)];
        if (!directory || !old) throw missingFile(at(from));
        if (taken) throw nameTaken(at(from), to);
        if (old.kind === 'file') await write(directory, to, await old.getFile());
        else await copyFolder(old, directory, to);
        await directory.removeEntry(from, { recursive: true });
      });
    },
    async remove(name) {
      await named('remove', at(name), async () => {
        const directory = await here();
        await orMissing(() => directory?.removeEntry(requireName(name), { recursive: true }));
      });
    },
    folder: (name) => folderAt([...names, requireName(name)]),
  };
  return storage;
}

type Entry = FileSystemFileHandle | FileSystemDirectoryHandle;

/** `entries` stands in a part of TypeScript's library of its own. */
function entriesOf(directory: FileSystemDirectoryHandle): AsyncIterable<[string, Entry]> {
  return (directory as unknown as { entries(): AsyncIterable<[string, Entry]> }).entries();
}

/** A folder; nothing where it is not there and not to be made. */
async function directoryAt(names: readonly string[], create: true): Promise<FileSystemDirectoryHandle>;
async function directoryAt(names: readonly string[], create?: false): Promise<FileSystemDirectoryHandle | undefined>;
async function directoryAt(names: readonly string[], create = false): Promise<FileSystemDirectoryHandle | undefined> {
  const storage = typeof navigator === 'undefined' ? undefined : (navigator.storage as StorageManager | undefined);
  if (!storage?.getDirectory) {
    throw new StorageError('unsupported', {
      what: 'runtime',
      value: undefined,
      message: 'this runtime has no file system of a browser',
      expected: 'a page or worker of a secure origin',
      remedy: 'Use memoryStorage, or folderStorage outside of a browser.',
    });
  }
  let directory = await storage.getDirectory();
  for (const name of names) {
    const open = () => directory.getDirectoryHandle(name, { create });
    let next = create ? await open() : await orMissing(open);
    if (!next) return undefined;
    if (await isMoving(next)) {
      if (!create) return undefined;
      await directory.removeEntry(name, { recursive: true });
      next = await open();
    }
    directory = next;
  }
  return directory;
}

/** What a name stands for; nothing where there is none, or a folder that was never moved to its end. */
async function entryOf(directory: FileSystemDirectoryHandle | undefined, name: string): Promise<Entry | undefined> {
  if (!directory) return undefined;
  const file = await orMissing(() => directory.getFileHandle(requireName(name)));
  if (file) return file;
  const folder = await orMissing(() => directory.getDirectoryHandle(name));
  return folder && !(await isMoving(folder)) ? folder : undefined;
}

async function fileOf(directory: FileSystemDirectoryHandle | undefined, name: string): Promise<File | undefined> {
  requireName(name);
  const handle = await orMissing(() => directory?.getFileHandle(name));
  return handle?.getFile();
}

async function isMoving(folder: FileSystemDirectoryHandle): Promise<boolean> {
  return (await orMissing(() => folder.getFileHandle(MOVING))) !== undefined;
}

/** A file gets its contents when it is closed, all at once. A new one has another name until then, where it can be moved. */
async function write(directory: FileSystemDirectoryHandle, name: string, contents: FileContents | Blob): Promise<void> {
  const isNew = !(await orMissing(() => directory.getFileHandle(requireName(name))));
  const movable = isNew && 'move' in FileSystemFileHandle.prototype;
  const written = movable ? `${name}.${crypto.randomUUID().slice(0, 8)}.partial` : name;
  const handle = await directory.getFileHandle(written, { create: true });
  const file = await handle.createWritable();
  try {
    if (contents instanceof Blob) await file.write(contents);
    else for await (const chunk of chunksOf(contents)) await file.write(chunk as Uint8Array<ArrayBuffer>);
    await file.close();
    if (movable) await (handle as unknown as { move(name: string): Promise<void> }).move(name);
  } catch (error) {
    await file.abort().catch(() => undefined);
    if (isNew) await directory.removeEntry(written).catch(() => undefined);
    throw error;
  }
}

/** Copies a folder under a new name. It counts as not there until all is there. */
async function copyFolder(from: FileSystemDirectoryHandle, parent: FileSystemDirectoryHandle, name: string) {
  await orMissing(() => parent.removeEntry(name, { recursive: true }));
  const to = await parent.getDirectoryHandle(name, { create: true });
  await to.getFileHandle(MOVING, { create: true });
  for await (const [inside, handle] of entriesOf(from)) {
    if (handle.kind === 'directory') await copyFolder(handle, to, inside);
    else if (!SWAP.test(inside)) await write(to, inside, await handle.getFile());
  }
  await to.removeEntry(MOVING);
}

/** What `body` finds; nothing where it is not there, or is a file where a folder is meant and the other way round. */
async function orMissing<R>(body: () => Promise<R> | undefined): Promise<R | undefined> {
  try {
    return await body();
  } catch (error) {
    if (isError(error) && ['NotFoundError', 'TypeMismatchError'].includes(error.name)) return undefined;
    throw error;
  }
}

/** Names the file where the browser fails. What it throws has no code but a name. */
async function named<R>(action: string, path: string, body: () => Promise<R>): Promise<R> {
  try {
    return await body();
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw cause;
    const full = cause.name === 'QuotaExceededError';
    throw new StorageError(full ? 'full' : cause.name === 'TypeMismatchError' ? 'taken' : 'failed', {
      what: path,
      value: cause.name,
      message: `cannot ${action} ${path}: ${full ? 'the browser has no more room for this page' : cause.message}`,
      expected: full ? 'enough free space' : 'a file system of the browser that can be read and written',
      remedy: full ? 'Free some; what was saved before is intact.' : 'Choose another path.',
      cause,
    });
  }
}
