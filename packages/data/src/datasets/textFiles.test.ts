import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDataset } from '.';
import type { TokenSource } from '../api';
import { isStorageError, type StorageError } from '@sympow/storage';
import { DataError } from '../errors';
import { binFile } from './bin';
import { textFiles, textInputs } from './textFiles';
import { zarrArray } from './zarr';

let folder: string;
let books: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'text-files-'));
  books = join(folder, 'books');
  const files = {
    'books/poe/raven.txt': 'Once upon a midnight dreary',
    'books/Ahab.TXT': 'Call me Ishmael.',
    'books/emma.md': 'Emma Woodhouse, handsome, clever, and rich',
    'books/blank.txt': '',
    'books/cover.txt': 'PNG\0\0',
    'books/.git/log.txt': 'not a book',
    'books/e\u0301tude.txt': 'La',
    'elsewhere.txt': 'Elsewhere',
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await symlink('..', join(books, 'poe/up'));
  await symlink('raven.txt', join(books, 'poe/crow.txt'));
});
afterAll(() => rm(folder, { recursive: true }));

function names(source: TokenSource): string[] {
  return Array.from({ length: source.documentCount }, (_, document) => source.documentName(document));
}

describe('a folder of texts', () => {
  it('holds a document for each text file below it, by name', async () => {
    const source = await textFiles(books);
    // The raven lies there under two names, and a link leads back to the top.
    expect(names(source)).toEqual(['books/Ahab.TXT', 'books/emma.md', 'books/poe/crow.txt', 'books/\u00e9tude.txt']);
    expect(source.notes).toEqual([
      'books/cover.txt was left out: it is binary',
      'books/blank.txt was left out: it is empty',
    ]);
    expect(source.tokenCount).toBe(16 + 42 + 27 + 2);
  });

  it('can be filtered by extension, in either case and with or without its dot', async () => {
    expect(names(await textFiles(books, { extensions: ['.md'] }))).toEqual(['books/emma.md']);
    expect(names(await textFiles(join(books, 'poe'), { extensions: ['TXT'] }))).toContain('poe/crow.txt');
    await expect(textFiles(books, { extensions: ['rst'] })).rejects.toThrow(
      /^there is no text file in .*books; expected at least one with an extension of rst\.$/,
    );
  });
});

describe('files', () => {
  it('give the same source in whatever order they are named', async () => {
    const paths = [join(folder, 'elsewhere.txt'), join(books, 'emma.md'), join(books, 'Ahab.TXT')];
    const expected = ['Ahab.TXT', 'elsewhere.txt', 'emma.md'];
    expect(names(await textFiles(paths))).toEqual(expected);
    expect(names(await textFiles(paths.reverse()))).toEqual(expected);
  });

  it('are taken once, under the name that was given', async () => {
    const raven = join(books, 'poe/raven.txt');
    expect(names(await textFiles([books, raven, raven]))).toEqual([
      'books/Ahab.TXT',
      'books/emma.md',
      'books/\u00e9tude.txt',
      'raven.txt',
    ]);
  });

  it('are taken when named, hidden or with another extension', async () => {
    expect(names(await textFiles(join(books, '.git')))).toEqual(['.git/log.txt']);
    expect(names(await textFiles(join(books, 'Ahab.TXT'), { extensions: ['md'] }))).toEqual(['Ahab.TXT']);
  });

  it('are taken as they are, text or not, when that is said', async () => {
    const source = await textFiles(join(books, 'cover.txt'), { encoding: 'bytes' });
    expect(source.read(0, 0, 5)).toEqual(Int32Array.of(80, 78, 71, 0, 0));
    expect(names(await textFiles(books, { encoding: 'bytes' }))).toContain('books/cover.txt');
  });

  it('that are missing or empty are an error that names them', async () => {
    await expect(textFiles(join(folder, 'missing.txt'))).rejects.toThrow(DataError);
    await expect(textFiles(join(folder, 'missing.txt'))).rejects.toThrow(/^cannot read ".*missing.txt" \(ENOENT/);
    await expect(textFiles(join(books, 'blank.txt'))).rejects.toThrow(/holds no text \(documents: 1\)/);
    await expect(textFiles([])).rejects.toThrow(DataError);
    for (const open of [textFiles, textInputs, openDataset, binFile, zarrArray]) {
      await expect(open('')).rejects.toThrow(/^path is ""; expected .* The current folder is "\."\.$/);
    }
  });

  it('are opened as text where no other dataset claims them', async () => {
    expect(names(await openDataset(join(folder, 'elsewhere.txt')))).toEqual(['elsewhere.txt']);
    await expect(openDataset([])).rejects.toThrow('expected at least one path, all of one kind of dataset.');
  });
});

describe('a runtime without files', () => {
  it('is told to use textSource', async () => {
    vi.stubGlobal('process', undefined);
    const failure = textFiles('books').catch((error: unknown) => error);
    const error = await failure.finally(() => vi.unstubAllGlobals());
    expect(isStorageError(error, 'unsupported')).toBe(true);
    expect((error as StorageError).remedy).toMatch(/^Read the text by other means and hand it to textSource/);
  });

  it('can load this package: no source imports a module of Node', async () => {
    const reached = new Set([fileURLToPath(new URL('../index.ts', import.meta.url))]);
    for (const file of reached) {
      const source = await readFile(file, 'utf8');
      expect(source, file).not.toMatch(/(from|import\()\s*'node:/);
      for (const [, name] of source.matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)) {
        const at = join(dirname(file), name!);
        reached.add(existsSync(`${at}.ts`) ? `${at}.ts` : join(at, 'index.ts'));
      }
    }
    expect(reached).toContain(fileURLToPath(new URL('textFiles.ts', import.meta.url)));
  });
});
