// The tokenizer of characters: a token for each Unicode character of a text, for small models of small texts. Its `tokenizer.json` is a
// WordLevel that splits everywhere, so that other software reads it too.
import type { Tokenizer, TokenizerJSON } from '../api';
import { DataError } from '../errors';
import { decodingOf, utf8 } from './decoding';

/** Stands for every character that the text did not have. Its id is 0. */
const UNKNOWN = '\uFFFD';
const EVERYWHERE = { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false };

/**
 * Characters as tokens: one id for each that occurs in `text`, in the order of their code points, after id 0 for all others, which reads
 * as U+FFFD. A text of 60 different characters makes a vocabulary of 61, where bytes have 256.
 *
 * @param text - every character that the tokenizer shall know
 * @throws DataError if the text has no character
 *
 * @example
 * ```ts
 * import { charTokenizer } from '@sympow/data';
 * const { vocabSize, encode, decode } = charTokenizer('to be or not to be');
 * console.log(vocabSize, [...encode('no!')]); // 8 [ 4, 5, 0 ]
 * console.log(decode(encode('robe'))); // robe
 * ```
 */
export function charTokenizer(text: string): Tokenizer {
  const known = new Set(text);
  known.delete(UNKNOWN);
  const characters = [...known].filter(isCharacter).sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  if (characters.length === 0) {
    throw new DataError({ what: 'text', value: text, expected: 'at least one character' });
  }
  return ofCharacters([UNKNOWN, ...characters]);
}

/** The tokenizer of characters if this is its `tokenizer.json`, else undefined. */
export function readCharTokenizer(json: TokenizerJSON): Tokenizer | undefined {
  const { type, unk_token: unknown, vocab } = json.model;
  const splits = JSON.stringify(json.pre_tokenizer) === JSON.stringify(EVERYWHERE);
  if (type !== 'WordLevel' || unknown !== UNKNOWN || !splits || typeof vocab !== 'object' || vocab === null)
    return undefined;
  const characters: string[] = [];
  for (const [character, id] of Object.entries(vocab)) characters[id as number] = character;
  // Values leave out a hole, which an id that stands twice makes as well.
  const count = new Set([Object.keys(vocab).length, Object.values(characters).length, characters.length]).size;
  return count === 1 && characters[0] === UNKNOWN && characters.every(isCharacter)
    ? ofCharacters(characters)
    : undefined;
}

/** One code point that is no half of another. */
const isCharacter = (text: string) => [...text].length === 1 && !/^[\uD800-\uDFFF]$/.test(text);

function ofCharacters(characters: readonly string[]): Tokenizer {
  const ids = new Map(characters.map((character, id) => [character, id]));
  const bytes = characters.map((character) => new TextEncoder().encode(character));
  const encode = (text: string) => Int32Array.from(Array.from(text, (character) => ids.get(character) ?? 0));
  return {
    name: 'chars',
    vocabSize: characters.length,
    endOfText: undefined,
    encode,
    encodeBytes: (text) => encode(utf8().decode(text)),
    ...decodingOf(characters.length, (id) => bytes[id]),
    toJSON: () => ({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: EVERYWHERE,
      post_processor: null,
      decoder: { type: 'Fuse' },
      model: { type: 'WordLevel', vocab: Object.fromEntries(ids), unk_token: UNKNOWN },
    }),
  };
}
