// From tokens back to text, for tokenizers whose tokens are bytes.
import type { StreamingDecoder, Tokenizer } from '../api';
import { DataError } from '../errors';
import { joinedBytes } from '../joined';

/**
 * What a tokenizer decodes with.
 *
 * @param bytesOf - the bytes of each token; undefined for an id that there is not
 */
export function decodingOf(
  vocabSize: number,
  bytesOf: (id: number) => Uint8Array | undefined,
): Pick<Tokenizer, 'decode' | 'decodeBytes' | 'decoder'> {
  const bytes = (id: number): Uint8Array => bytesOf(requireId(id, vocabSize)) ?? missing(id);
  function decodeBytes(ids: ArrayLike<number>): Uint8Array {
    return joinedBytes(Array.from(ids, bytes));
  }
  function decoder(): StreamingDecoder {
    const stream = utf8();
    return { push: (id) => stream.decode(bytes(id), { stream: true }), end: () => stream.decode() };
  }
  return { decode: (ids) => utf8().decode(decodeBytes(ids)), decodeBytes, decoder };
}

/** @throws DataError unless an id is a whole number from 0 to V−1 */
export function requireId(id: number, vocabSize: number): number {
  if (Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
  throw new DataError({ what: 'token', value: id, expected: `a whole number from 0 to ${vocabSize - 1}` });
}

/** A hole in a vocabulary. */
export function missing(id: number): never {
  throw new DataError({ what: 'token', value: id, expected: 'one that the vocabulary has a text for' });
}

/** Reads and writes UTF-8 as it is: a byte order mark is a character like any other. */
export function utf8(options: { fatal?: boolean } = {}): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true, ...options });
}
