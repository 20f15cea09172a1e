// Which bytes are text, and which bytes that text is in UTF-8. There is one rule, for files that are named and for those that
// lie in folders: text is UTF-8 unless another encoding is named, and what is neither is never taken for text.
import { ConfigError } from '@sympow/core';
import { joinedBytes } from '../joined';

/** How many bytes of a file are looked at for what only binary files have. */
export const HEAD = 8000;
/** Bytes that are decoded at once: strings cannot hold a large file. */
const PIECE = 2 ** 24;

/** The encoding that takes any bytes for text, as they are. */
const AS_IT_IS = 'bytes';

/** Why bytes are not taken for text. */
export interface NotText {
  readonly reason: string;
  /** What to do about it, without its full stop. */
  readonly remedy: string;
  /** What else they may be text in. */
  readonly encoding?: string;
}

/** Beginnings of files that are often meant as text and are none. */
const kinds: readonly (readonly [begin: readonly number[], what: string, remedy: string])[] = [
  [[0x1f, 0x8b], 'it is compressed by gzip', 'Unpack it, as <(zcat FILE) does'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'it is compressed by Zstandard', 'Unpack it, as <(zstdcat FILE) does'],
  [[0x50, 0x4b, 0x03, 0x04], 'it is a ZIP archive, as documents of Word and e-books are', 'Convert it to plain text'],
  [[0x25, 0x50, 0x44, 0x46, 0x2d], 'it is a PDF', 'Convert it to plain text'],
];
const marks: readonly (readonly [begin: readonly number[], encoding: string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/** @throws ConfigError for an encoding that this runtime does not know */
export function requireEncoding(encoding: string): void {
  if (encoding === AS_IT_IS) return;
  try {
    new TextDecoder(encoding);
  } catch (cause) {
    const expected =
      'utf-8, utf-16, latin1, another one that TextDecoder knows, or bytes, which takes them as they are';
    throw new ConfigError({ what: 'encoding', value: encoding, expected, cause });
  }
}

/**
 * Tells from bytes, piece by piece, whether they are text.
 *
 * @param head - the first bytes, at least {@link HEAD} where there are as many; they count as the first piece too
 * @param encoding - as {@link DatasetOptions.encoding}
 */
export class TextCheck {
  private readonly check: (piece: Uint8Array | undefined) => NotText | undefined;
  private found: NotText | undefined;

  constructor(head: Uint8Array, encoding: string | undefined) {
    this.found = encoding === AS_IT_IS ? undefined : notText(head.subarray(0, HEAD), encoding);
    this.check = encoding === AS_IT_IS ? () => undefined : validator(encodingOf(head, encoding));
    this.push(head);
  }

  /** Takes the next bytes; `done` spares reading those that would change nothing. */
  push(piece: Uint8Array): void {
    this.found ??= this.check(piece);
  }

  get done(): boolean {
    return this.found !== undefined;
  }

  /** The answer, after the last piece. */
  end(): NotText | undefined {
    return (this.found ??= this.check(undefined));
  }
}

/** Text in UTF-8, from bytes that {@link TextCheck} found to be text. */
export function toUTF8(bytes: Uint8Array, encoding: string | undefined): Uint8Array {
  const own = encoding === AS_IT_IS ? 'utf-8' : encodingOf(bytes, encoding);
  if (own === 'utf-8') return bytes;
  const decoder = new TextDecoder(own, { fatal: true });
  const encoder = new TextEncoder();
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) {
    const stream = at + PIECE < bytes.length;
    pieces.push(encoder.encode(decoder.decode(bytes.subarray(at, at + PIECE), { stream })));
  }
  return joinedBytes(pieces);
}

/** The canonical name of the encoding of a text. A byte order mark outweighs what was said. */
function encodingOf(head: Uint8Array, encoding = 'utf-8'): string {
  const marked = marks.find(([begin]) => begin.every((byte, i) => head[i] === byte));
  return marked?.[1] ?? new TextDecoder(encoding).encoding;
}

/** What the first bytes say. */
function notText(head: Uint8Array, encoding: string | undefined): NotText | undefined {
  const kind = kinds.find(([begin]) => begin.every((byte, i) => head[i] === byte));
  if (kind) return { reason: kind[1], remedy: kind[2] };
  const own = encodingOf(head, encoding);
  if (own !== 'utf-8') return encoding === undefined ? rather('it is UTF-16', 'utf-16') : undefined;
  if (!head.includes(0)) return undefined;
  const side = sideOfNuls(head);
  if (side === undefined) return binary;
  return rather('it looks like UTF-16', side === 1 ? 'utf-16le' : 'utf-16be');
}

const binary: NotText = { reason: 'it is binary', remedy: 'Convert it to plain text' };

/** In UTF-16 without a mark, text in Latin letters has a NUL in one half of most of its characters. */
function sideOfNuls(head: Uint8Array): 0 | 1 | undefined {
  const count = [0, 0];
  for (const [i, byte] of head.entries()) if (byte === 0) count[i % 2]!++;
  const side = count[0]! > count[1]! ? 0 : 1;
  return count[1 - side] === 0 && count[side]! > head.length / 8 ? side : undefined;
}

/** Looks at all bytes, piece by piece, and at last at nothing. */
function validator(encoding: string): (piece: Uint8Array | undefined) => NotText | undefined {
  if (encoding === 'utf-8') return utf8Validator();
  const decoder = new TextDecoder(encoding, { fatal: true });
  let seen = 0;
  return (piece) => {
    try {
      const text = decoder.decode(piece, { stream: piece !== undefined });
      const nul = text.indexOf('\0');
      if (nul >= 0 && seen + nul < HEAD) return binary;
      seen += text.length;
      return undefined;
    } catch {
      return rather(`it is not ${encoding}`, 'utf-8');
    }
  };
}

/** The well-formed byte sequences of UTF-8 (Unicode, table 3-7). */
function utf8Validator(): (piece: Uint8Array | undefined) => NotText | undefined {
  let position = 0;
  /** Bytes that the character still has, and the range of the next. */
  let left = 0;
  let [low, high] = [0x80, 0xbf];
  return (piece) => {
    if (!piece) return left > 0 ? notUTF8('it ends inside a character') : undefined;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (left === 0) {
        if (byte < 0x80) continue;
        left = byte < 0xc2 || byte > 0xf4 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        if (left === 0) return notUTF8(`byte 0x${byte.toString(16)} at ${position + i}`);
        low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
        high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
      } else if (byte >= low && byte <= high) {
        left--;
        [low, high] = [0x80, 0xbf];
      } else {
        return notUTF8(`byte 0x${byte.toString(16)} at ${position + i}`);
      }
    }
    position += piece.length;
    return undefined;
  };
}

function notUTF8(where: string): NotText {
  return rather(`it is not UTF-8 (${where})`, 'latin1');
}

function rather(reason: string, encoding: string): NotText {
  return { reason, encoding, remedy: `Name its encoding (encoding: '${encoding}', --encoding ${encoding})` };
}
