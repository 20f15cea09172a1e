// The tokenizer of bytes: id = byte. Its `tokenizer.json` is that of a byte-level BPE without merges, so that other
// software reads it too.
import type { Tokenizer, TokenizerJSON } from '../api';
import { BYTE_CHARACTERS, byteLevelJSON, readByteLevel } from './byteLevel';
import { decodingOf, requireId } from './decoding';

const VOCABULARY = 256;
const ONE_BYTE = Array.from({ length: VOCABULARY }, (_, byte) => Uint8Array.of(byte));
const VOCAB = Object.fromEntries(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/**
 * Bytes as tokens: 256 ids, no training, and no text that it could not spell. Text is UTF-8.
 *
 * @example
 * ```ts
 * const { encode, decode } = byteTokenizer();
 * encode('é'); // Int32Array [195, 169]
 * decode([195, 169]); // 'é'
 * ```
 */
export function byteTokenizer(): Tokenizer {
  return {
    name: 'bytes',
    vocabSize: VOCABULARY,
    endOfText: undefined,
    encode: (text) => Int32Array.from(new TextEncoder().encode(text)),
    encodeBytes: (bytes) => bytes,
    ...decodingOf(VOCABULARY, (id) => ONE_BYTE[id]),
    // Faster than joining arrays of one byte.
    decodeBytes: (ids) => Uint8Array.from(ids, (id) => requireId(id, VOCABULARY)),
    toJSON: () => byteLevelJSON({ vocab: VOCAB, merges: [], added: [], words: false }),
  };
}

/** The tokenizer of bytes if this is its `tokenizer.json`, else undefined. */
export function readByteTokenizer(json: TokenizerJSON): Tokenizer | undefined {
  const { vocab, merges, added } = readByteLevel(json) ?? {};
  const same =
    vocab !== undefined &&
    merges?.length === 0 &&
    added?.length === 0 &&
    Object.keys(vocab).length === VOCABULARY &&
    BYTE_CHARACTERS.every((character, byte) => vocab[character] === byte);
  return same ? byteTokenizer() : undefined;
}
