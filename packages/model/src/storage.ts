/**
 * Where checkpoints lie: a folder, reduced to what keeping files safely takes. `folderStorage` is a folder on disk,
 * `memoryStorage` one in memory; a browser's database fits as well.
 */

import { ConfigError, isTypedArray } from '@sympow/kernels';
import { CheckpointError } from './errors';

/** What goes into a file: text, bytes, or bytes piece by piece. Pieces are taken as they are needed. */
export type FileContents = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * A folder. Names are single names in it, without slashes. Everything that goes wrong is a {@link CheckpointError} of one
 * line with the path and what to do; only errors of the contents that are being written pass as they are.
 */
export interface Storage {
  /** Where it is, for people. */
  readonly path: string;
  /** Names of the files and folders in it, sorted; none where the folder does not exist. */
  list(): Promise<readonly string[]>;
  /** Bytes in a file; nothing where there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** Bytes `begin` … `end`−1 of a file, all of it by default. Rejects if it has fewer. */
  read(name: string, begin?: number, end?: number): Promise<Uint8Array>;
  /**
   * Writes a file, and the folder where it does not exist. Afterwards it is kept even if the power fails; until then, and
   * when writing fails, the file is what it was before.
   */
  write(name: string, contents: FileContents): Promise<void>;
  /** Gives a file or folder another name, not taken yet, in one step. Afterwards that is kept even if the power fails. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it; nothing where there is none. */
  remove(name: string): Promise<void>;
  /** A folder in this one, whether it exists or not. */
  folder(name: string): Storage;
}

/**
 * A folder in memory, which is gone with the process.
 *
 * @example
 * ```ts
 * const storage = memoryStorage();
 * await storage.folder('a').write('b.txt', 'text');
 * await storage.list(); // ['a']
 * ```
 */
export function memoryStorage(path = 'memory'): Storage {
  return new MemoryFolder(path, new Map());
}

type MemoryFiles = Map<string, Uint8Array | MemoryFiles>;

class MemoryFolder implements Storage {
  constructor(
    readonly path: string,
    private readonly entries: MemoryFiles,
    private readonly parent?: { readonly folder: MemoryFolder; readonly name: string },
  ) {}

  async list(): Promise<readonly string[]> {
    return [...(this.here()?.keys() ?? [])].sort();
  }

  async size(name: string): Promise<number | undefined> {
    const file = this.here()?.get(requireName(name));
    return file instanceof Uint8Array ? file.length : undefined;
  }

  async read(name: string, begin = 0, end?: number): Promise<Uint8Array> {
    const file = this.here()?.get(requireName(name));
    if (!(file instanceof Uint8Array)) throw missingFile(`${this.path}/${name}`);
    if ((end ?? begin) > file.length) throw fileTooShort(`${this.path}/${name}`, file.length, end ?? begin);
    return file.slice(begin, end);
  }

  async write(name: string, contents: FileContents): Promise<void> {
    requireName(name);
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(contents)) chunks.push(chunk.slice());
    const file = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of chunks) {
      file.set(chunk, at);
      at += chunk.length;
    }
    this.make().set(name, file);
  }

  async rename(from: string, to: string): Promise<void> {
    const here = this.here();
    const moved = here?.get(requireName(from));
    if (!here || !moved) throw missingFile(`${this.path}/${from}`);
    if (here.has(requireName(to))) {
      throw new CheckpointError({ what: 'new name', value: to, expected: `one that is free in ${this.path}` });
    }
    here.set(to, moved);
    here.delete(from);
  }

  async remove(name: string): Promise<void> {
    this.here()?.delete(requireName(name));
  }

  folder(name: string): Storage {
    return new MemoryFolder(`${this.path}/${requireName(name)}`, this.entries, { folder: this, name });
  }

  /** What the folder holds at the moment; nothing where it does not exist. */
  private here(): MemoryFiles | undefined {
    if (!this.parent) return this.entries;
    const entry = this.parent.folder.here()?.get(this.parent.name);
    return entry instanceof Map ? entry : undefined;
  }

  private make(): MemoryFiles {
    const here = this.here();
    if (here || !this.parent) return here ?? this.entries;
    const made: MemoryFiles = new Map();
    this.parent.folder.make().set(this.parent.name, made);
    return made;
  }
}

/** The pieces of a file's contents. */
export function chunksOf(contents: FileContents): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof contents === 'string') return [new TextEncoder().encode(contents)];
  return isTypedArray(contents, 'Uint8Array') ? [contents] : contents;
}

/** @throws ConfigError for a name that would lead out of its folder */
export function requireName(name: string): string {
  if (!/^[^/\\\0]+$/.test(name) || name === '.' || name === '..') {
    throw new ConfigError({ what: 'name of a file', value: name, expected: 'a single name without slashes' });
  }
  return name;
}

/** Bytes in a file. @throws CheckpointError if there is none */
export async function requireSize(storage: Storage, name: string): Promise<number> {
  // Reading says best why there is nothing to read.
  return (await storage.size(name)) ?? (await storage.read(name)).length;
}

export function missingFile(path: string, cause?: unknown): CheckpointError {
  return new CheckpointError({
    what: path,
    value: undefined,
    message: `there is no file ${path}`,
    expected: 'it to be there',
    remedy: 'Check the path.',
    cause,
  });
}

export function fileTooShort(path: string, bytes: number, needed: number): CheckpointError {
  return new CheckpointError({
    what: path,
    value: bytes,
    message: `${path} ends after ${bytes} bytes`,
    expected: `at least ${needed}`,
    remedy: 'The file was cut short; use another copy.',
  });
}
