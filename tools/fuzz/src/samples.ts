// Chunks of 2 × 64 small tokens, as every codec encodes them, to be changed.
import { deflateSync, gzipSync } from 'node:zlib';

const plain = Uint8Array.from({ length: 128 }, (_, i) => (i < 90 ? (i * i) % 251 : 7));

/** Bytes of Zstandard: a header, and one block as it is, or of one byte. */
function zstd(block: readonly number[], type: number, size: number, declared: boolean): Uint8Array {
  const header = (block.length > 1 ? block.length : size) * 8 + type * 2 + 1;
  const front = declared ? [0x28, 0xb5, 0x2f, 0xfd, 0x20, size] : [0x28, 0xb5, 0x2f, 0xfd, 0, 0x88];
  return Uint8Array.from([...front, header & 255, (header >> 8) & 255, header >> 16, ...block]);
}

/** A container of Blosc with one block of one part. */
function blosc(codec: number, part: readonly number[], flags: number): Uint8Array {
  const header = new Uint8Array(24);
  const view = new DataView(header.buffer);
  header.set([2, 1, flags | 0x10 | (codec << 5), 2]);
  [128, 128, 24 + part.length, 20, part.length].forEach((word, i) => view.setUint32(4 + 4 * i, word, true));
  return Uint8Array.from([...header, ...part]);
}

/** LZ4 of literals alone, and of a run. */
const literals = [0xf0, 113, ...plain];
const run = [0x1f, 5, 1, 0, 103, 0x50, 1, 2, 3, 4, 5];
const lz4 = (block: readonly number[]) => Uint8Array.from([128, 0, 0, 0, ...block]);

/** A chunk, and the codecs that it went through. */
export interface Sample {
  readonly codecs: readonly string[];
  readonly bytes: Uint8Array;
}

const once: readonly Sample[] = [
  { codecs: [], bytes: plain },
  ...[true, false].flatMap((declared) =>
    [zstd([...plain], 0, 128, declared), zstd([5], 1, 128, declared)].map((bytes) => ({ codecs: ['zstd'], bytes })),
  ),
  ...[literals, run].map((block) => ({ codecs: ['lz4'], bytes: lz4(block) })),
  ...[0, 1, 4].flatMap((flags) =>
    [
      blosc(1, literals, flags),
      blosc(0, [31, ...plain.subarray(0, 32), 0xe0, 87, 0], flags),
      blosc(3, [...deflateSync(plain)], flags),
      blosc(4, [...zstd([5], 1, 128, true)], flags),
      blosc(1, [...plain], flags),
    ].map((bytes) => ({ codecs: ['blosc'], bytes })),
  ),
];

/** Some of them once more through gzip or zlib. */
export const samples: readonly Sample[] = once.flatMap(({ codecs, bytes }) => [
  { codecs, bytes },
  { codecs: [...codecs, 'gzip'], bytes: new Uint8Array(gzipSync(bytes)) },
  { codecs: [...codecs, 'zlib'], bytes: new Uint8Array(deflateSync(bytes)) },
]);
