// Byte-level BPE in the format of `tokenizer.json`: tokens are written as strings of characters of which each stands for
// one byte.
//
// Radford, Wu, Child, Luan, Amodei, Sutskever: "Language Models are Unsupervised Multitask Learners", 2019.
import type { TokenizerJSON } from '../api';

/**
 * One printable character for each byte, as byte-level BPE writes them: printable Latin-1 stands for itself, the other 68
 * bytes are U+0100 and on.
 */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

/** How a token is written. */
export function charactersOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += BYTE_CHARACTERS[byte];
  return text;
}

/** The bytes of a token as it is written; undefined if it is not written so. */
export function bytesOfCharacters(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = BYTES.get(text[i]!);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** A token that is not made of bytes that stand in the text: `added_tokens` of a `tokenizer.json`. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  /** It is found only where no letter stands beside it. */
  readonly single_word?: boolean;
  /** White space before or behind it belongs to it. */
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  /** It is looked for in text that is normalized. */
  readonly normalized?: boolean;
}

/** The vocabulary and the merges of a byte-level BPE. */
export interface ByteLevelBPE {
  readonly vocab: Readonly<Record<string, number>>;
  /** Pairs, written as `left right`, the first merged first. */
  readonly merges: readonly string[];
  readonly added: readonly AddedToken[];
  /** Whether text is cut into words before it is merged. */
  readonly words: boolean;
}

/** The `tokenizer.json` of a byte-level BPE, as other software reads it too. */
export function byteLevelJSON({ vocab, merges, added, words }: ByteLevelBPE): TokenizerJSON {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: words };
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.map(({ id, content, special }) => ({ id, content, ...plain, special: special ?? true })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

/** The parts of a `tokenizer.json` that is a byte-level BPE and nothing more; undefined for any other. */
export function readByteLevel(json: TokenizerJSON): ByteLevelBPE | undefined {
  const { model, added_tokens: added = [], pre_tokenizer: before, normalizer } = json;
  const { vocab, merges = [] } = model as Partial<ByteLevelBPE>;
  const step = before as { type?: unknown; add_prefix_space?: unknown; use_regex?: unknown } | null | undefined;
  // Left out, these mean true.
  const plain = step?.type === 'ByteLevel' && step.add_prefix_space === false;
  if (model.type !== 'BPE' || normalizer != null || !plain || !Array.isArray(merges)) return undefined;
  if (typeof vocab !== 'object' || vocab === null || !Array.isArray(added)) return undefined;
  const written = (merges as unknown[]).map((merge) =>
    Array.isArray(merge) && merge.every((part) => typeof part === 'string') ? merge.join(' ') : merge,
  );
  const isToken = (token: unknown) => typeof token === 'object' && token !== null;
  if (!written.every((merge) => typeof merge === 'string') || !(added as unknown[]).every(isToken)) return undefined;
  return { vocab, merges: written, added: added as AddedToken[], words: step.use_regex !== false };
}
