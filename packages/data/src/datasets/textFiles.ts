// Text files and folders of them.
import type { Dataset, DatasetOptions, TokenSource } from '../api';
import { DataError } from '../errors';
import type { PrepareInput } from '../prepare/api';
import { findFiles, isStandardInput, reasonOf, unreadable, type FoundFile } from './findFiles';
import { localFiles } from './localFiles';
import { textSource } from './text';
import { requireEncoding, TextCheck, toUTF8, type NotText } from './textEncoding';

/** Bytes of a file that are looked at together. */
const PIECE = 2 ** 20;
/** Bytes of the largest file that Node reads at once. */
const MOST = 2 ** 31 - 1;

/**
 * A source of text files, one document each. Folders are read with all that lies below them, except hidden entries
 * (`.git`) and files with other extensions. What is no text (PDF, ZIP, gzip, a NUL among the first 8000 bytes, another
 * encoding than UTF-8 or the one that is named), and what cannot be read, is left out of folders, which `notes` tells; where
 * it is named itself it is refused. `encoding: 'bytes'` takes any file as it is. No file is taken twice.
 *
 * The path `-` is standard input. That and pipes of this process, such as `<(zcat book.gz)` of a shell, are read once, into
 * memory; named pipes are refused.
 *
 * Documents are in the order of their names, by code unit, whatever the order of the paths: the name of a file is its
 * path from the folder that was given, beginning with that folder's own name (`books/poe/raven.txt`).
 *
 * @param paths - files and folders
 * @throws DataError if a path cannot be read or is no text, a file is 2 GiB or more, there is no text, or this runtime has no
 * files
 * @throws ConfigError for an encoding that there is not
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
  /** By name. Their bytes are read when they are asked for, and given in UTF-8. */
  readonly inputs: readonly PrepareInput[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
  /** What they are called together. */
  readonly name: string;
}

/**
 * Finds texts as {@link textFiles} does. Every file is gone through once, as its last byte may show that it is no text; only
 * what comes from a pipe is kept.
 *
 * @throws DataError as {@link textFiles}
 * @throws ConfigError as {@link textFiles}
 */
export async function textInputs(
  paths: string | readonly string[],
  { extensions, encoding }: Pick<DatasetOptions, 'extensions' | 'encoding'> = {},
): Promise<TextInputs> {
  if (encoding !== undefined) requireEncoding(encoding);
  const given = typeof paths === 'string' ? [paths] : paths;
  const name = given.length > 2 ? `${given.length} paths` : given.join(' and ');
  const inputs: PrepareInput[] = [];
  const { files, notes: left } = await findFiles(given, extensions);
  const notes = [...left];
  for (const file of files) {
    const { size, problem, bytes } = await look(file, encoding).catch(async (error: unknown): Promise<Looked> => {
      if (error instanceof DataError) throw error;
      if (file.named) throw unreadable(file.path, error);
      return { size: 0, problem: { reason: await reasonOf(file.path, error), remedy: '' } };
    });
    if (!problem) {
      const read = async () => toUTF8(bytes ?? (await readFile(file.path, size)), encoding);
      inputs.push({ name: file.name, size, read });
    } else if (file.named) {
      throw new DataError({
        what: 'path',
        value: file.path,
        message: `cannot read "${file.path}" as text: ${problem.reason}`,
        expected: encoding === undefined ? 'text in UTF-8' : `text in ${encoding}`,
        remedy: `${problem.remedy}, or take its bytes as they are (encoding: 'bytes', --encoding bytes).`,
      });
    } else {
      const remedy = problem.encoding ? `; name its encoding, such as ${problem.encoding} (--encoding)` : '';
      notes.push(`${file.name} was left out: ${problem.reason}${remedy}`);
    }
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

interface Looked {
  readonly size: number;
  /** Why it is no text. */
  readonly problem: NotText | undefined;
  /** All of it, where it can be read only once. */
  readonly bytes?: Uint8Array | undefined;
}

/** Goes through a file. */
async function look(found: FoundFile, encoding: string | undefined): Promise<Looked> {
  const { path, once } = found;
  if (once) {
    const bytes = await readOnce(path);
    const check = new TextCheck(bytes, encoding);
    return { size: bytes.length, problem: check.end(), bytes };
  }
  const file = await localFiles().fs.open(path);
  try {
    const { size } = await file.stat();
    if (size > MOST) throw unreadable(path, new Error(`it has ${size} bytes`));
    const buffer = new Uint8Array(Math.min(PIECE, size));
    let check: TextCheck | undefined;
    for (let at = 0; at < size && !check?.done;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      if (check) check.push(piece);
      else check = new TextCheck(piece, encoding);
      at += bytesRead;
    }
    return { size, problem: check?.end() };
  } finally {
    await file.close();
  }
}

async function readFile(path: string, size: number): Promise<Uint8Array> {
  try {
    const { buffer, byteOffset, byteLength } = await localFiles().fs.readFile(path);
    if (byteLength !== size) throw new Error(`it had ${size} bytes when this began and has ${byteLength} now`);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** All that comes through a pipe. */
async function readOnce(path: string): Promise<Uint8Array> {
  if (!isStandardInput(path)) return new Uint8Array(await localFiles().fs.readFile(path));
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Uint8Array<ArrayBuffer>);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
