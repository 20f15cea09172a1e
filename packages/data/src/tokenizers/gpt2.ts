// The tokenizer of GPT-2. Text is encoded by gpt-tokenizer, which is loaded when it is first asked for; tokens are bytes
// from its table, so that they come back exactly, whatever they are.
import type { TokenArray, Tokenizer, TokenizerJSON } from '../api';
import { byteLevelJSON, charactersOf, readByteLevel } from './byteLevel';
import { decodingOf } from './decoding';
import { textPieces } from './textPieces';

const END_OF_TEXT = 50256;
const VOCABULARY = 50257;
const END_CONTENT = '<|endoftext|>';

/** The time to encode a word grows with its square: a longer one is cut here. No language has such. */
const LONGEST_WORD = 4096;
const LONG_WORDS = new RegExp(`\\S{${LONGEST_WORD + 1},}|\\s{${LONGEST_WORD + 1},}`, 'u');
const PARTS = new RegExp(`\\S{1,${LONGEST_WORD}}|\\s{1,${LONGEST_WORD}}`, 'gu');

let loaded: Promise<Tokenizer> | undefined;

/**
 * The byte-level BPE of GPT-2 (r50k_base): 50,257 ids, of which 50256 ends a text. That id is never the encoding of any
 * text, not even of `<|endoftext|>`. A word of more than 4,096 characters is encoded in parts.
 *
 * @example
 * ```ts
 * import { gpt2Tokenizer } from '@sympow/data';
 * const tokenizer = await gpt2Tokenizer();
 * console.log([...tokenizer.encode('It was the best of times')]); // [ 1026, 373, 262, 1266, 286, 1661 ]
 * ```
 */
export function gpt2Tokenizer(): Promise<Tokenizer> {
  return (loaded ??= load());
}

/** The tokenizer of GPT-2 if this is its `tokenizer.json`, else undefined. */
export async function readGpt2Tokenizer(json: TokenizerJSON): Promise<Tokenizer | undefined> {
  const { vocab, merges, added, words } = readByteLevel(json) ?? {};
  const likely =
    vocab !== undefined &&
    words === true &&
    merges?.length === END_OF_TEXT - 256 &&
    (vocab[END_CONTENT] === END_OF_TEXT ||
      added?.some(({ id, content }) => id === END_OF_TEXT && content === END_CONTENT)) &&
    added!.every(({ id }) => id === END_OF_TEXT);
  if (!likely) return undefined;
  const tokenizer = await gpt2Tokenizer();
  const own = readByteLevel(tokenizer.toJSON())!;
  const same =
    Object.entries(own.vocab).every(([token, id]) => vocab[token] === id) &&
    own.merges.every((merge, i) => merges[i] === merge);
  return same ? tokenizer : undefined;
}

async function load(): Promise<Tokenizer> {
  const [{ encode: encodeText }, { default: ranks }] = await Promise.all([
    import('gpt-tokenizer/encoding/r50k_base'),
    import('gpt-tokenizer/bpeRanks/r50k_base'),
  ]);
  const table = ranks.map((token) =>
    typeof token === 'string' ? new TextEncoder().encode(token) : Uint8Array.from(token),
  );
  table[END_OF_TEXT] = new TextEncoder().encode(END_CONTENT);
  const byteIds = new Uint16Array(256);
  for (const [id, bytes] of table.entries()) if (bytes.length === 1) byteIds[bytes[0]!] = id;
  // Text that looks like a special token is text.
  const options = { disallowedSpecial: new Set<string>() };

  function encodeWords(text: string): number[] {
    if (!LONG_WORDS.test(text)) return encodeText(text, options);
    const ids: number[] = [];
    let plain = '';
    const flush = () => {
      for (const id of encodeText(plain, options)) ids.push(id);
      plain = '';
    };
    for (const [part] of text.matchAll(PARTS)) {
      plain += part;
      // Only a part that was cut is this long.
      if ([...part].length === LONGEST_WORD) flush();
    }
    flush();
    return ids;
  }

  function encodeBytes(bytes: Uint8Array): TokenArray {
    const pieces: number[][] = [];
    for (const piece of textPieces(bytes)) {
      pieces.push(typeof piece === 'number' ? [byteIds[piece]!] : encodeWords(piece));
    }
    const ids = new Uint16Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      ids.set(piece, at);
      at += piece.length;
    }
    return ids;
  }

  let json: TokenizerJSON | undefined;
  return {
    name: 'gpt2',
    vocabSize: VOCABULARY,
    endOfText: END_OF_TEXT,
    encode: (text) => Int32Array.from(encodeBytes(new TextEncoder().encode(text))),
    encodeBytes,
    ...decodingOf(VOCABULARY, (id) => table[id]),
    toJSON: () => (json ??= toJSON(table)),
  };
}

/** The merges are not listed, but follow from the ranks: a token is made by the merge that comes last in its bytes. */
function toJSON(table: readonly Uint8Array[]): TokenizerJSON {
  const written = table.slice(0, END_OF_TEXT).map(charactersOf);
  const vocab: Record<string, number> = {};
  for (const [id, token] of written.entries()) vocab[token] = id;
  const merges = written.slice(256).map((token, i) => mergedFrom(token, vocab, 256 + i).join(' '));
  vocab[END_CONTENT] = END_OF_TEXT;
  return byteLevelJSON({ vocab, merges, added: [{ id: END_OF_TEXT, content: END_CONTENT }], words: true });
}

/** The two tokens that are left of a token when only those below it are merged. */
function mergedFrom(token: string, vocab: Readonly<Record<string, number>>, limit: number): string[] {
  const parts = [...token];
  while (parts.length > 2) {
    let best = limit;
    let place = 0;
    for (let i = 0; i < parts.length - 1; i++) {
      const id = vocab[parts[i]! + parts[i + 1]!] ?? limit;
      if (id < best) [best, place] = [id, i];
    }
    parts.splice(place, 2, parts[place]! + parts[place + 1]!);
  }
  return parts;
}
