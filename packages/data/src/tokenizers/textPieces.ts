// Long text in pieces, so that no encoder is handed more than it can hold, cut where it makes no difference to tokenizers
// that split text into words before anything else.
import { utf8 } from './decoding';

/** Bytes after which a piece ends at the next good place. */
const PIECE = 2 ** 20;

/** Bytes within which a good place has to come. */
const LONGEST = 2 ** 24;

/** A part of some bytes: text if they are UTF-8, else a byte that is not. */
export type TextPiece = string | number;

/** Bytes as text, with each byte that is not UTF-8 by itself. */
export function* textPieces(bytes: Uint8Array): Generator<TextPiece> {
  for (let from = 0; from < bytes.length;) {
    const to = cutAfter(bytes, from);
    yield* asText(bytes.subarray(from, to));
    from = to;
  }
}

/** The end of the piece that begins at `from`: the last place before a line break that stands between two words. */
export function cutAfter(bytes: Uint8Array, from: number): number {
  const last = Math.min(from + LONGEST, bytes.length);
  for (let at = from + PIECE; at < last - 1; at++) {
    if (bytes[at] === 0x0a && isLetter(bytes[at - 1]!) && isLetter(bytes[at + 1]!)) return at;
  }
  // A character is not cut: bytes 10xxxxxx go on with one.
  let at = last;
  while (at < bytes.length && at > from + 1 && (bytes[at]! & 0xc0) === 0x80) at--;
  return at;
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
    if (!(error instanceof TypeError)) throw error;
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
