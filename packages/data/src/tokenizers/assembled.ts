// A tokenizer from its parts: text is normalized, cut into words, and each word spelled by a model. A text is never cut but
// where that changes nothing.
import type { TokenArray, Tokenizer, TokenizerJSON } from '../api';
import { joined } from '../joined';
import { cutAtTokens } from './addedTokens';
import { BYTE_CHARACTERS, bytesOfCharacters } from './byteLevel';
import type { Decode } from './decoders';
import { decodingOf, missing, requireId } from './decoding';
import type { Normalize } from './normalizers';
import type { PreTokenize } from './preTokenizers';
import { textPieces, type TextPiece } from './textPieces';
import type { TokenizerFile } from './tokenizerFile';
import { Ids, type WordModel } from './wordModel';

/** What a tokenizer is made of. */
export interface Parts {
  readonly name: string;
  readonly file: Omit<TokenizerFile, 'json' | 'model'>;
  readonly toJSON: () => TokenizerJSON;
  readonly normalize: Normalize | undefined;
  readonly preTokenize: PreTokenize | undefined;
  readonly model: WordModel;
  /** How texts come from tokens; `bytes` where each token is bytes. */
  readonly decode: Decode | 'bytes';
  /** Whether bytes that are no text are encoded as they are, for tokens that are bytes. */
  readonly keepsBytes: boolean;
  /** The byte before which a text may be cut, if it stands between two letters, as a word ends there for certain. */
  readonly cutBefore: number | undefined;
}

/** Words that are longer are spelled in parts. */
const LONG_WORD = 1024;

/** Ids that are given together. */
const PART = 2 ** 16;

/** How tokens that end a text are called, the likelier first. */
const END_OF_TEXT = ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>', '<|eot_id|>', '[SEP]'];

export function assembled(parts: Parts): Tokenizer {
  const { file, keepsBytes, cutBefore } = parts;
  const { vocabSize, special } = file;
  const idsOf = encoderOf(parts);
  const byteIds = BYTE_CHARACTERS.map((character) => file.vocab.get(character));
  const arrayOf = (ids: Int32Array): TokenArray => (vocabSize <= 2 ** 16 ? Uint16Array.from(ids) : ids);

  function* pieceIds(piece: TextPiece): Generator<Int32Array> {
    const byte = typeof piece === 'number' ? byteIds[piece] : undefined;
    if (byte !== undefined) yield Int32Array.of(byte);
    else yield* idsOf(typeof piece === 'number' ? '\uFFFD' : piece);
  }
  function* encodeParts(bytes: Uint8Array): Generator<TokenArray> {
    for (const piece of textPieces(bytes, { cutBefore, keepsBytes })) {
      for (const ids of pieceIds(piece)) yield arrayOf(ids);
    }
  }
  const end = END_OF_TEXT.flatMap((content) => special.find((token) => token.content === content) ?? [])[0];
  return {
    name: parts.name,
    vocabSize,
    endOfText: end?.id,
    encode: (text) => joined([...idsOf(wellFormed(text))], (length) => new Int32Array(length)),
    encodeBytes: (bytes) =>
      joined([...encodeParts(bytes)], (length) =>
        vocabSize <= 2 ** 16 ? new Uint16Array(length) : new Int32Array(length),
      ),
    encodeParts,
    ...(parts.decode === 'bytes' ? bytesDecoding(file) : textDecoding(file, parts.decode)),
    toJSON: parts.toJSON,
  };
}

/** Ids of a text, some at a time. */
function encoderOf({ file, normalize, preTokenize, model }: Parts): (text: string) => Generator<Int32Array> {
  const inNormal = (token: { normalized?: boolean }) => token.normalized === true && normalize !== undefined;
  const cut = cutAtTokens(
    file.added.filter((token) => !inNormal(token)),
    ({ content }) => content,
  );
  const cutNormal = cutAtTokens(file.added.filter(inNormal), ({ content }) => normalize!(content));

  function* words(text: string): Generator<string | number> {
    let first = true;
    for (const section of cut(text)) {
      if (section === '') continue;
      const parts = typeof section === 'number' ? [section] : cutNormal(normalize ? normalize(section) : section);
      for (const part of parts) {
        if (typeof part === 'number' || !preTokenize) yield part;
        else if (part !== '') yield* preTokenize(part, first);
        first = false;
      }
    }
  }
  return function* (text) {
    const ids = new Ids();
    for (const word of words(text)) {
      if (typeof word === 'number') ids.push(word);
      else if (word.length <= LONG_WORD) model.encode(word, ids);
      else {
        for (const part of model.parts(word)) {
          model.encode(part, ids);
          if (ids.length >= PART) yield ids.take();
        }
      }
      if (ids.length >= PART) yield ids.take();
    }
    if (ids.length > 0) yield ids.take();
  };
}

/** Lone surrogates are no text. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

type Decoding = Pick<Tokenizer, 'decode' | 'decodeBytes' | 'decoder'>;

function bytesDecoding({ written, added, special, vocabSize }: Parts['file']): Decoding {
  // These are written as they are.
  const asText = new Set([...added, ...special].map(({ id }) => id));
  const table = new Map<number, Uint8Array>();
  for (const [id, token] of written) {
    const bytes = asText.has(id) ? undefined : bytesOfCharacters(token);
    table.set(id, bytes ?? new TextEncoder().encode(token));
  }
  return decodingOf(vocabSize, (id) => table.get(id));
}

function textDecoding({ written, vocabSize }: Parts['file'], begin: Decode): Decoding {
  const tokenOf = (id: number) => written.get(requireId(id, vocabSize)) ?? missing(id);
  function decode(ids: ArrayLike<number>): string {
    const step = begin();
    const texts: string[] = [];
    for (let i = 0; i < ids.length; i++) for (const text of step.push(tokenOf(ids[i]!))) texts.push(text);
    for (const text of step.end()) texts.push(text);
    return texts.join('');
  }
  return {
    decode,
    decodeBytes: (ids) => new TextEncoder().encode(decode(ids)),
    decoder: () => {
      let step = begin();
      return {
        push: (id) => step.push(tokenOf(id)).join(''),
        end: () => {
          const text = step.end().join('');
          step = begin();
          return text;
        },
      };
    },
  };
}
