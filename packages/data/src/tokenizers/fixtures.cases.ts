// Tokenizers for tests, as Hugging Face's library wrote them, with what it makes of texts. More of the same layout are read
// from the folder that SYMPOW_TOKENIZERS names.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TokenizerJSON } from '../api';

/** What Hugging Face's library makes of a text. */
export interface Row {
  readonly text: string;
  /** With the special tokens that the tokenizer puts around a text. */
  readonly ids: readonly number[];
  readonly plain: readonly number[];
  readonly decoded: string;
  readonly decodedAll: string;
}

const own = path.join(import.meta.dirname, 'fixtures');

/** Folders of `<name>.json` with `<name>.expected.json`. */
export const folders = [own, ...(process.env['SYMPOW_TOKENIZERS'] ? [process.env['SYMPOW_TOKENIZERS']] : [])];

/** The tokenizers of a folder. */
export function tokenizersIn(folder: string): string[] {
  const names = readdirSync(folder).flatMap((file) => /^(.*)\.expected\.json$/.exec(file)?.[1] ?? []);
  return names.filter((name) => existsSync(path.join(folder, `${name}.json`)));
}

/** A tokenizer.json. */
export function tokenizerJSON(name: string, folder = own): TokenizerJSON {
  return JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8')) as TokenizerJSON;
}

export function rowsOf(name: string, folder = own): readonly Row[] {
  const { rows } = JSON.parse(readFileSync(path.join(folder, `${name}.expected.json`), 'utf8')) as { rows: Row[] };
  return rows;
}
