// The tokenizers by name, and the kinds that a checkpoint may hold.
import type { Tokenizer, TokenizerJSON } from '../api';
import { DataError } from '../errors';
import { byteTokenizer, readByteTokenizer } from './bytes';
import { readCharTokenizer } from './chars';
import { gpt2Tokenizer, readGpt2Tokenizer } from './gpt2';
import { readHuggingFaceTokenizer } from './huggingFace';

/** One line per tokenizer that needs no file. */
const named: Readonly<Record<string, () => Tokenizer | Promise<Tokenizer>>> = {
  bytes: byteTokenizer,
  gpt2: gpt2Tokenizer,
};

/** Each knows its own `tokenizer.json` and leaves the others alone; the last takes what is left. */
const readers: readonly ((json: TokenizerJSON) => Tokenizer | undefined | Promise<Tokenizer | undefined>)[] = [
  readByteTokenizer,
  readCharTokenizer,
  readGpt2Tokenizer,
  readHuggingFaceTokenizer,
];

/** The names that `openTokenizer` knows. */
export const tokenizerNames: readonly string[] = Object.keys(named);

/**
 * A tokenizer by its name. What it is made of is loaded now.
 *
 * @throws DataError for a name that is not in `tokenizerNames`
 *
 * @example
 * ```ts
 * const tokenizer = await openTokenizer('gpt2');
 * ```
 */
export async function openTokenizer(name: string): Promise<Tokenizer> {
  const open = Object.hasOwn(named, name) ? named[name] : undefined;
  if (open) return open();
  throw new DataError({
    what: 'tokenizer',
    value: name,
    expected: `one of ${tokenizerNames.join(', ')}`,
    remedy: 'Give other tokenizers as a tokenizer.json.',
  });
}

/**
 * The tokenizer that a `tokenizer.json` describes.
 *
 * @param json - the file, parsed
 * @throws DataError if it is no tokenizer of a kind known here
 *
 * @example
 * ```ts
 * const stored = JSON.stringify(byteTokenizer());
 * const tokenizer = await tokenizerFromJSON(JSON.parse(stored));
 * tokenizer.name; // 'bytes'
 * ```
 */
export async function tokenizerFromJSON(json: unknown): Promise<Tokenizer> {
  const type = (json as Partial<TokenizerJSON> | null)?.model?.type;
  if (typeof type !== 'string') {
    throw new DataError({
      what: 'tokenizer',
      value: json,
      expected: 'the contents of a tokenizer.json with model.type',
    });
  }
  for (const read of readers) {
    const tokenizer = await read(json as TokenizerJSON);
    if (tokenizer) return tokenizer;
  }
  throw new DataError({ what: 'tokenizer', value: type, expected: 'a kind of tokenizer that is known here' });
}
