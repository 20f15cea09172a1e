// Files that somebody drops as one text, or what is wrong with them.

import type { Text } from './messages';

/** A page holds a text several times over. */
const mostBytes = 2 ** 27;

/** @throws Error that names the file and says what to do */
export async function textOf(files: readonly File[]): Promise<Text> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total > mostBytes)
    throw new Error(`${nameOf(files)}: ${Math.round(total / 1e6)} MB are too much for a page. Take at most 128 MB.`);
  const texts = await Promise.all(
    files.map(async (file) => decoded(file.name, new Uint8Array(await file.arrayBuffer()))),
  );
  return { name: nameOf(files), text: texts.join('\n\n') };
}

const nameOf = (files: readonly File[]) => (files.length === 1 ? files[0]!.name : `${files.length} files`);

/** The text in UTF-8 bytes. @throws Error for what is none */
export function decoded(name: string, bytes: Uint8Array): string {
  const fault = (what: string) => new Error(`${name} is not text: ${what}. Convert it to plain text in UTF-8.`);
  if (bytes.length === 0) throw new Error(`${name} is empty. Take a file with text in it.`);
  if (bytes.includes(0)) throw fault('it has zero bytes, as binary files do');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fault('it is not UTF-8');
  }
}
