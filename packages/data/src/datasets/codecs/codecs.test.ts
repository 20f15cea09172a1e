// Bytes as numcodecs encodes them, and bytes that lie about how much they hold. `fixtures/zarrPython.py` wrote the first.
import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecChain } from '.';
import { Damage } from './damage';

const { encoded } = JSON.parse(readFileSync(new URL('../../../fixtures/zarrPython.json', import.meta.url), 'utf8')) as {
  encoded: { codec: string; config: string; bytes: string }[];
};
const pieces = encoded.map(({ bytes, ...rest }) => ({ ...rest, bytes: new Uint8Array(Buffer.from(bytes, 'base64')) }));
const plain = Uint8Array.from({ length: 1202 }, (_, i) => (i < 900 ? (i * i) % 251 : 7));

/** A frame of blocks of 128 KiB of zeros, four bytes each, that says of itself that it holds `declared` bytes, or nothing. */
function zeros(blocks: number, declared?: number): Uint8Array {
  const frame = new Uint8Array((declared === undefined ? 6 : 9) + 4 * blocks);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0xfd2fb528, true);
  if (declared === undefined) frame.set([0, 0x88], 4);
  else view.setUint8(4, 0xa0);
  if (declared !== undefined) view.setUint32(5, declared, true);
  const body = frame.length - 4 * blocks;
  for (let i = 0; i < blocks; i++)
    view.setUint32(body + 4 * i, ((2 ** 17) << 3) | 2 | (i === blocks - 1 ? 1 : 0), true);
  return frame;
}

/** A piece of Zstandard that holds these bytes as they are. */
function stored(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(12 + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0xfd2fb528, true);
  view.setUint8(4, 0xa0);
  view.setUint32(5, bytes.length, true);
  view.setUint32(9, (bytes.length << 3) | 1, true);
  frame.set(bytes, 12);
  return frame;
}

describe('codecs', () => {
  it.each(pieces)('decode what numcodecs wrote: $config', async ({ codec, bytes }) => {
    expect(Buffer.compare(await codecChain([codec], plain.length).decode(bytes), plain)).toBe(0);
  });

  it('decode behind each other, in any order', async () => {
    const chain = codecChain(['zlib', 'zstd', 'crc32c', 'gzip'], plain.length);
    const { withChecksum } = await import('../../crc32c');
    const bytes = gzipSync(withChecksum(stored(deflateSync(plain))));
    expect(Buffer.compare(await chain.decode(bytes), plain)).toBe(0);
    await expect(chain.decode(gzipSync(stored(deflateSync(plain))))).rejects.toThrow('its checksum is wrong');
  });

  it('decode a frame that does not say how much it holds, where the array says it', async () => {
    expect((await codecChain(['zstd'], 2 ** 17).decode(zeros(1))).length).toBe(2 ** 17);
    await expect(codecChain(['zstd', 'zstd'], 2 ** 17).decode(stored(zeros(1)))).resolves.toHaveLength(2 ** 17);
    await expect(codecChain(['gzip', 'zstd'], 2 ** 17).decode(zeros(1))).rejects.toThrow(/does not say how much/);
  });

  const twice = (bytes: Uint8Array) => Buffer.concat([bytes, bytes]);
  it.each([
    ['zstd in gzip', ['zstd', 'gzip'], gzipSync(zeros(2 ** 14))],
    ['a frame that says too little', ['zstd'], zeros(2 ** 14, 104)],
    ['a frame that says nothing', ['zstd'], zeros(2 ** 14)],
    ['a second frame', ['zstd'], Buffer.concat([stored(plain), zeros(2 ** 14)])],
    ['two frames', ['zstd'], twice(zeros(2 ** 13, 2 ** 30))],
    ['zstd in zstd', ['zstd', 'zstd'], stored(zeros(2 ** 14))],
    ['zstd in zstd in zstd', ['zstd', 'zstd', 'zstd'], stored(stored(zeros(2 ** 14)))],
    ['gzip', ['gzip'], gzipSync(Buffer.alloc(2 ** 29))],
    ['gzip in gzip', ['gzip', 'gzip'], gzipSync(gzipSync(Buffer.alloc(2 ** 29)))],
    ['zlib', ['zlib'], deflateSync(Buffer.alloc(2 ** 29))],
    ['two members of gzip', ['gzip'], twice(gzipSync(Buffer.alloc(2 ** 28)))],
    ['lz4', ['lz4'], Buffer.from([0, 0, 0, 0x60, ...new Uint8Array(100)])],
    ['blosc', ['blosc'], Buffer.from([2, 1, 0x20, 2, 0, 0, 0, 0x60, 0, 0, 0, 0x60, 16, 0, 0, 0])],
  ] as const)('refuse a bomb without taking its memory: %s', async (_, names, bytes) => {
    const before = process.resourceUsage().maxRSS;
    await expect(codecChain(names, 104).decode(bytes)).rejects.toThrow(Damage);
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(64);
  });

  it('say of every piece that is cut off or changed that it is, or decode it to its size', async () => {
    const spoiled = fc.record({
      piece: fc.constantFrom(...pieces),
      cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      flips: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 255 })), {
        maxLength: 4,
      }),
    });
    await fc.assert(
      fc.asyncProperty(spoiled, async ({ piece, cut, flips }) => {
        const bytes = piece.bytes.slice(0, cut === null ? undefined : Math.floor(cut * piece.bytes.length));
        for (const [at, bits] of flips) bytes[Math.floor(at * bytes.length)]! ^= bits;
        const decoded = await codecChain([piece.codec], plain.length)
          .decode(bytes)
          .catch((error: unknown) => error);
        if (decoded instanceof Uint8Array) expect(decoded.length).toBe(plain.length);
        else expect(decoded).toBeInstanceOf(Damage);
        if (cut !== null && cut < 1 && piece.codec !== 'gzip') expect(decoded).toBeInstanceOf(Damage);
      }),
      { numRuns: 2000 },
    );
  });

  it('give the same for the same bytes, whatever was decoded before', async () => {
    // A container of Blosc whose second block is damaged once gave what lay in memory.
    const piece = pieces.find(({ config }) => config.includes('lz4') && config.includes('blocksize=256'))!;
    const bytes = piece.bytes.slice();
    bytes.fill(255, bytes.length - 40);
    await expect(codecChain(['blosc'], plain.length).decode(bytes)).rejects.toThrow(/^its (LZ4|Blosc) is/);
  });
});
