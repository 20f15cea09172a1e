// A folder in memory.
import type { FileContents, Storage } from './api';
import { missingFile, nameTaken } from './errors';
import { chunksOf, requireName, requireRange } from './files';

/**
 * A folder in memory, which is gone with the process.
 *
 * @example
 * ```ts
 * import { memoryStorage } from '@sympow/storage';
 * const storage = memoryStorage();
 * await storage.folder('a').write('b.txt', 'text');
 * console.log(await storage.list()); // ['a']
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
    requireRange(`${this.path}/${name}`, begin, end ?? file.length, file.length);
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
    if (here.has(requireName(to))) throw nameTaken(`${this.path}/${from}`, to);
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
