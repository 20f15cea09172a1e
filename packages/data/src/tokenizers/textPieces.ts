// Bytes as text, whole or in long pieces, with bytes that are no text by themselves where a tokenizer can keep them.
import { isError } from '@sympow/core';
import { DataError } from '../errors';
import { utf8 } from './decoding';

/** Bytes after which a piece ends at the next good place. */
const PIECE = 2 ** 20;

/** Bytes of a piece: engines hold no longer texts than 2²⁹ characters. */
const LONGEST = 2 ** 28;

/** A part of some bytes: text, or a byte that is none. */
export type TextPiece = string | number;

/** How bytes are cut. */
export interface Cuts {
  /** The byte before which a piece may end, if it stands between two letters. */
  readonly cutBefore: number | undefined;
  /** Whether bytes that are not UTF-8 are given by themselves; else U+FFFD stands for them. */
  readonly keepsBytes: boolean;
  /** For tests. */
  readonly piece?: number;
  readonly longest?: number;
}

/**
 * Bytes as text.
 *
 * @throws DataError if they are more than 256 MiB and have no place where they can be cut
 */
export function* textPieces(bytes: Uint8Array, cuts: Cuts): Generator<TextPiece> {
  for (let from = 0; from < bytes.length;) {
    const to = cutAfter(bytes, from, cuts);
    const piece = bytes.subarray(from, to);
    if (cuts.keepsBytes) yield* asText(piece);
    else yield utf8().decode(piece);
    from = to;
  }
}

/** The end of the piece that begins at `from`. */
function cutAfter(bytes: Uint8Array, from: number, { cutBefore, piece = PIECE, longest = LONGEST }: Cuts): number {
  const last = Math.min(bytes.length, from + longest);
  if (cutBefore !== undefined) {
    for (let at = from + piece; at < last - 1; at++) {
      if (bytes[at] === cutBefore && isLetter(bytes[at - 1]!) && isLetter(bytes[at + 1]!)) return at;
    }
  }
  if (last === bytes.length) return last;
  throw new DataError({
    what: 'text',
    value: bytes.length,
    message: `a text of ${bytes.length} bytes has no place where this tokenizer lets it be cut`,
    expected: `at most ${longest} bytes without one`,
    remedy: 'Cut it into several texts.',
  });
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

function* asText(bytes: Uint8Array): Generator<TextPiece> {
  if (bytes.length === 0) return;
  try {
    yield utf8({ fatal: true }).decode(bytes);
    return;
  } catch (error) {
    if (!isError(error) || error.name !== 'TypeError') throw error;
  }
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > from) yield utf8().decode(bytes.subarray(from, at));
    yield bytes[at]!;
    from = ++at;
  }
  if (from < bytes.length) yield utf8().decode(bytes.subarray(from));
}

const ONE_CHARACTER = utf8({ fatal: true });

/** Bytes of the character that begins at `at`; 0 if none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || at + length > bytes.length) return 0;
  try {
    ONE_CHARACTER.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}
