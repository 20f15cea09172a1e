// Text files and folders of them.
import type { Dataset, DatasetOptions, TokenSource } from '../api';
import { DataError } from '../errors';
import type { PrepareInput } from '../prepare/api';
import { nodeFiles } from '../runtime';
import { textSource } from './text';

/**
 * A source of text files, one document each. Folders are read with all that lies below them, except hidden entries
 * (`.git`), files with other extensions, and binary files (a NUL among the first 8000 bytes), which `notes` tells. A file
 * that is named itself is taken as it is. No file is taken twice.
 *
 * Documents are in the order of their names, by code unit, whatever the order of the paths: the name of a file is its
 * path from the folder that was given, beginning with that folder's own name (`books/poe/raven.txt`).
 *
 * @param paths - files and folders
 * @throws DataError if a path cannot be read, a file is 2 GiB or more, there is no text, or this runtime has no files
 *
 * @example
 * ```ts
 * const source = await textFiles('books', { extensions: ['txt'] });
 * source.notes; // ['books/cover.txt was left out: it is binary']
 * ```
 */
export async function textFiles(paths: string | readonly string[], options: DatasetOptions = {}): Promise<TokenSource> {
  const { tokenizer } = options;
  const { inputs, notes, name } = await textInputs(paths, options);
  const texts = await Promise.all(inputs.map(async (input) => ({ name: input.name, text: await input.read() })));
  return textSource(texts, { tokenizer, notes, name });
}

/** Texts of files and folders, for `prepare`. */
export interface TextInputs {
  /** By name. Their bytes are read when they are asked for. */
  readonly inputs: readonly PrepareInput[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
  /** What they are called together. */
  readonly name: string;
}

/**
 * Finds texts as {@link textFiles} does, without reading them.
 *
 * @throws DataError as {@link textFiles}
 */
export async function textInputs(
  paths: string | readonly string[],
  { extensions }: Pick<DatasetOptions, 'extensions'> = {},
): Promise<TextInputs> {
  const given = typeof paths === 'string' ? [paths] : paths;
  const name = given.length > 2 ? `${given.length} paths` : given.join(' and ');
  const inputs: PrepareInput[] = [];
  const notes: string[] = [];
  for (const file of await findAll(given, extensions)) {
    const { head, size } = await look(file.path);
    if (file.named || !head.includes(0)) inputs.push({ name: file.name, size, read: () => readFile(file.path) });
    else notes.push(`${file.name} was left out: it is binary`);
  }
  if (inputs.length > 0) return { inputs, notes, name };
  throw new DataError({
    what: 'paths',
    value: given,
    message: `there is no text file in ${name}`,
    expected: extensions ? `at least one with an extension of ${extensions.join(', ')}` : 'at least one',
    remedy: notes[0],
  });
}

/** Takes every path: what no other kind of dataset claims is text. */
export const textFilesDataset: Dataset = { name: 'text', accepts: () => true, open: textFiles };

interface FoundFile {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly name: string;
  /** Given by the caller, not found in a folder. */
  readonly named: boolean;
}

/** The files of all paths, by name. */
async function findAll(given: readonly string[], extensions: readonly string[] | undefined): Promise<FoundFile[]> {
  const found = await Promise.all(given.map((path) => find(path, extensions)));
  const files = new Map<string, FoundFile>();
  for (const file of found.flat().sort(byName)) {
    // Of several names for one file, the first that was given itself stays, else the first.
    const known = files.get(file.path);
    if (!known || (file.named && !known.named)) files.set(file.path, file);
  }
  return [...files.values()].sort(byName);
}

async function find(given: string, extensions: readonly string[] | undefined): Promise<FoundFile[]> {
  const { fs, path } = nodeFiles();
  const wanted = extensions?.map((extension) => `.${extension.replace(/^\./, '').toLowerCase()}`);
  const found: FoundFile[] = [];

  // `above` holds the folders on the way here: a link to one of them would never end.
  async function visit(at: string, name: string, above: readonly string[]): Promise<void> {
    const real = await fs.realpath(at);
    const stats = await fs.stat(real);
    const named = above.length === 0;
    if (stats.isDirectory()) {
      if (above.includes(real)) return;
      for (const entry of await fs.readdir(real)) {
        if (!entry.startsWith('.')) await visit(path.join(real, entry), `${name}/${entry}`, [...above, real]);
      }
    } else if (named || (stats.isFile() && (wanted?.includes(path.extname(name).toLowerCase()) ?? true))) {
      // File systems disagree on how they spell accents.
      found.push({ path: real, name: name.normalize('NFC'), named });
    }
  }

  const root = path.resolve(given);
  await visit(root, path.basename(root), []).catch((cause: unknown) => {
    throw unreadable(given, cause);
  });
  return found;
}

/** The first bytes of a file, which say whether it is text, and its size. */
async function look(path: string): Promise<{ head: Uint8Array; size: number }> {
  try {
    const file = await nodeFiles().fs.open(path);
    try {
      const { bytesRead, buffer } = await file.read(new Uint8Array(8000), 0, 8000, 0);
      return { head: buffer.subarray(0, bytesRead), size: (await file.stat()).size };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readFile(path: string): Promise<Uint8Array> {
  try {
    const { buffer, byteOffset, byteLength } = await nodeFiles().fs.readFile(path);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): DataError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DataError({
    what: 'path',
    value: path,
    message: `cannot read "${path}" (${reason})`,
    expected: 'a text file below 2 GiB or a folder of such',
    cause,
  });
}

function byName(a: FoundFile, b: FoundFile): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
