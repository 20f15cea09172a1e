// Small texts, a folder to prepare them in, and what is read back.
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import type { Tokenizer, TokenSource } from '../api';
import type { PrepareEnd, PrepareInput, PrepareOptions } from './api';
import { prepare } from './prepare';

/** Anew for each test. */
export let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'prepare-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(folder, { recursive: true, force: true });
});

const words = 'It was the best of times, it was the worst of times, été 😀.\n'.split(' ');
/** A text of so many words. */
export function text(name: string, count: number): PrepareInput {
  const bytes = new TextEncoder().encode(
    Array.from({ length: count }, (_, i) => words[(i * i) % words.length]).join(' '),
  );
  return { name, size: bytes.length, read: async () => bytes };
}
export const texts = [text('a', 110), text('b', 15), text('c', 230)];

export async function run(options: PrepareOptions, inputs = texts): Promise<PrepareEnd> {
  for await (const event of prepare(inputs, options)) if (event.type === 'end') return event;
  throw new Error('it did not end');
}

/** Every file below a folder, with its bytes. */
export async function filesOf(path: string): Promise<Record<string, string>> {
  const names = (await fs.readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = names.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.slice(path.length), await fs.readFile(file, 'base64')] as const))); // prettier-ignore
}

export async function document(source: TokenSource, i: number): Promise<number[]> {
  return [...(await source.read(i, 0, source.documentLength(i)))];
}

/** Documents of one length that the texts give, in order. */
export async function rowsOf(tokenizer: Tokenizer, length: number): Promise<number[][]> {
  const rows: number[][] = [];
  for (const input of texts) {
    const ids = [...tokenizer.encodeBytes(await input.read())];
    for (let at = 0; at + length <= ids.length; at += length) rows.push(ids.slice(at, at + length));
  }
  return rows;
}
