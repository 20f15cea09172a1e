import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash, ContentHash } from './contentHash';

const bytes = Uint8Array.from({ length: 10_007 }, (_, i) => i * i + 7 * i);
const ofText = (text: string) => contentHash(new TextEncoder().encode(text));

describe('a content hash', () => {
  it('is MurmurHash3_x86_128, as the reference computes it', () => {
    expect(ofText('')).toBe('0'.repeat(32));
    expect(ofText('a')).toBe('a794933c5556b01b5556b01b5556b01b');
    expect(ofText('to be, or not to be')).toBe('37dc746280f7488c84e25eb7dd14aef9');
    expect(ofText('The quick brown fox jumps over the lazy dog')).toBe('2f1583c3ecee2c675d7bf66ce5e91d2c');
    expect(contentHash(bytes)).toBe('f8227e7607f1790b2d4cd9e28d88c9f1');
    const lengths = Array.from({ length: 40 }, (_, n) => contentHash(bytes.subarray(0, n)));
    expect(ofText(lengths.join(''))).toBe('c5574cbbcc91f7e744722ac1c18afd80');
  });

  it('does not depend on where the contents are cut', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, (places) => {
        const hash = new ContentHash();
        let at = 0;
        for (const end of [...places, bytes.length].sort((a, b) => a - b)) {
          hash.update(bytes.subarray(at, end));
          at = end;
        }
        expect(hash.digest()).toBe(contentHash(bytes));
      }),
    );
  });

  it('can be asked before the end, and goes on', () => {
    const hash = new ContentHash().update(bytes.subarray(0, 100));
    expect(hash.digest()).toBe(contentHash(bytes.subarray(0, 100)));
    expect(hash.update(bytes.subarray(100)).digest()).toBe(contentHash(bytes));
  });

  it('reads arrays of any type as the bytes that they are, wherever they begin', () => {
    const floats = Float32Array.of(1, -2, 3.5, NaN);
    expect(contentHash(floats)).toBe(contentHash(new Uint8Array(floats.buffer)));
    expect(contentHash(floats.subarray(1))).toBe(contentHash(new Uint8Array(floats.buffer, 4)));
    expect(contentHash(new DataView(floats.buffer, 4, 8))).toBe(contentHash(new Uint8Array(floats.buffer, 4, 8)));
  });

  it('tells contents apart that differ in one bit', () => {
    const seen = new Set([contentHash(bytes)]);
    for (let bit = 0; bit < 8 * 64; bit++) {
      const other = bytes.slice();
      other[bit * 19]! ^= 1 << (bit % 8);
      seen.add(contentHash(other));
    }
    expect(seen.size).toBe(1 + 8 * 64);
  });
});
