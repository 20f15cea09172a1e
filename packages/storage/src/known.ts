// Files as they were when they were read first, to notice when they become others: pages of two files are no dataset.
import { StorageError } from './errors';

/** Files of which is remembered how they were. */
const REMEMBERED = 2 ** 16;

/** What tells a file from another of its name: its size, a tag, when it was written. Undefined where that is not known. */
export type Marks = Readonly<Record<string, string | number | undefined>>;

/** The files that were read, the last of them. */
export class KnownFiles {
  private readonly files = new Map<string, Marks>();

  /** A file is there. @throws StorageError if it was another one before */
  found(file: string, marks: Marks): void {
    const before = this.files.get(file) ?? {};
    for (const [name, mark] of Object.entries(marks)) {
      if (mark !== undefined && before[name] !== undefined && before[name] !== mark) throw changed(file, 'replaced');
    }
    const known = Object.entries(marks).filter(([, mark]) => mark !== undefined);
    this.files.delete(file);
    this.files.set(file, { ...before, ...Object.fromEntries(known) });
    if (this.files.size > REMEMBERED) this.files.delete(this.files.keys().next().value!);
  }

  /** What is known of a file. */
  of(file: string): Marks | undefined {
    return this.files.get(file);
  }

  /** A file is no longer what it was, on purpose. */
  forget(file: string): void {
    this.files.delete(file);
  }

  /** A file is not there. @throws StorageError if it was before */
  missing(file: string): undefined {
    if (this.files.has(file)) throw changed(file, 'removed');
  }
}

function changed(file: string, how: 'replaced' | 'removed'): StorageError {
  return new StorageError('changed', {
    what: 'file',
    value: file,
    message: `${file} was ${how} while it was read`,
    expected: 'a file that stays as it is',
    remedy: 'Open it again.',
  });
}
