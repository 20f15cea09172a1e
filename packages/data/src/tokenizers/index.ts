// The kinds of tokenizer that a checkpoint may hold.
import type { Tokenizer, TokenizerJSON } from '../api';
import { DataError } from '../errors';
import { readByteTokenizer } from './bytes';

/** Each knows its own `tokenizer.json` and leaves the others alone. */
const readers: readonly ((json: TokenizerJSON) => Tokenizer | undefined)[] = [readByteTokenizer];

/**
 * The tokenizer that a `tokenizer.json` describes.
 *
 * @param json - the file, parsed
 * @throws DataError if it is no tokenizer of a kind known here
 *
 * @example
 * ```ts
 * const stored = JSON.stringify(byteTokenizer());
 * tokenizerFromJSON(JSON.parse(stored)).name; // 'bytes'
 * ```
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  const type = (json as Partial<TokenizerJSON> | null)?.model?.type;
  if (typeof type !== 'string') {
    throw new DataError({
      what: 'tokenizer',
      value: json,
      expected: 'the contents of a tokenizer.json with model.type',
    });
  }
  for (const read of readers) {
    const tokenizer = read(json as TokenizerJSON);
    if (tokenizer) return tokenizer;
  }
  throw new DataError({ what: 'tokenizer', value: type, expected: 'a byte-level BPE without merges (bytes)' });
}
