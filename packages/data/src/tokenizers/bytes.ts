// The tokenizer of bytes: id = byte. Its `tokenizer.json` is that of a byte-level BPE without merges, so that other
// software reads it too.
import type { StreamingDecoder, Tokenizer, TokenizerJSON } from '../api';
import { DataError } from '../errors';

const VOCABULARY = 256;

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
    encode: (text) => Int32Array.from(new TextEncoder().encode(text)),
    encodeBytes: (bytes) => bytes,
    decode: (ids) => utf8().decode(toBytes(ids)),
    decodeBytes: toBytes,
    decoder: streamingDecoder,
    toJSON: () => JSON_FORM,
  };
}

/** The tokenizer of bytes if this is its `tokenizer.json`, else undefined. */
export function readByteTokenizer(json: TokenizerJSON): Tokenizer | undefined {
  const { model, pre_tokenizer: before } = json as Partial<typeof JSON_FORM>;
  const { vocab } = JSON_FORM.model;
  const same =
    model?.type === 'BPE' &&
    isEmpty(model.merges) &&
    isEmpty(json['added_tokens']) &&
    isEmpty(json['normalizer']) &&
    before?.type === 'ByteLevel' &&
    // Left out, it means true.
    before.add_prefix_space === false &&
    Object.keys(model.vocab ?? {}).length === VOCABULARY &&
    Object.entries(vocab).every(([character, id]) => model.vocab[character] === id);
  return same ? byteTokenizer() : undefined;
}

/**
 * One printable character for each byte, as byte-level BPE writes them: printable Latin-1 stands for itself, the other 68
 * bytes are U+0100 and on.
 */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: VOCABULARY }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };

const JSON_FORM = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: BYTE_LEVEL,
  post_processor: null,
  decoder: BYTE_LEVEL,
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(BYTE_CHARACTERS.map((character, byte) => [character, byte])) as Record<string, number>,
    merges: [] as unknown[],
  },
};

function isEmpty(value: unknown): boolean {
  return value == null || (Array.isArray(value) && value.length === 0);
}

function streamingDecoder(): StreamingDecoder {
  const decoder = utf8();
  const one = new Uint8Array(1);
  return {
    push(id) {
      one[0] = requireByte(id);
      return decoder.decode(one, { stream: true });
    },
    end: () => decoder.decode(),
  };
}

function toBytes(ids: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(ids.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = requireByte(ids[i]!);
  return bytes;
}

function requireByte(id: number): number {
  if (Number.isInteger(id) && id >= 0 && id < VOCABULARY) return id;
  throw new DataError({ what: 'token', value: id, expected: `a whole number from 0 to ${VOCABULARY - 1}` });
}

/** A byte order mark is a character like any other: text comes back as it went in. */
function utf8(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}
