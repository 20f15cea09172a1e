import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, OutOfMemoryError } from '@sympow/core';
import { COUNT_LIMIT, countMultisets, embeddedSize, tiledSize } from './size';

it.each([
  [64, 2, 2080],
  [32, 2, 528],
  [128, 2, 8256],
  [16, 4, 3876],
  [32, 4, 52_360],
  [64, 4, 766_480],
  [1, 9, 1],
  [7, 1, 7],
  [2, 1000, 1001],
])('d = %i, p = %i: D = %i', (d, p, size) => {
  expect(embeddedSize(d, p)).toBe(size);
});

it.each([
  [64, 2, 8, 2304],
  [32, 2, 8, 640],
  [6, 4, 1, 126],
  [6, 3, 6, 216],
  [1, 5000, 1, 1],
])('d = %i, p = %i, t = %i: D_t = %i', (d, p, tile, size) => {
  expect(tiledSize(d, p, tile)).toBe(size);
});

it('follows Pascal’s rule', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 1, max: 60 }), (kinds, length) => {
      const count = countMultisets(kinds, length);
      fc.pre(count < COUNT_LIMIT);
      expect(count).toBe(countMultisets(kinds - 1, length) + countMultisets(kinds, length - 1));
    }),
  );
});

describe('refusals', () => {
  it.each([0, -1, 1.5, NaN, Infinity, '2'])('%s is no size and no power', (bad) => {
    expect(() => embeddedSize(bad as number, 2)).toThrow(ConfigError);
    expect(() => embeddedSize(4, bad as number)).toThrow(ConfigError);
    expect(() => tiledSize(4, 2, bad as number)).toThrow(ConfigError);
  });

  it('a tile must divide d', () => {
    expect(() => tiledSize(10, 2, 4)).toThrow('tile is 4; expected a divisor of the head size 10.');
  });

  it('names the bytes of what no array can hold', () => {
    expect(() => embeddedSize(128, 6)).toThrow(OutOfMemoryError);
    // C(133, 6) · 4
    expect(() => embeddedSize(128, 6)).toThrow('27426310912 bytes (25.5 GiB)');
    expect(() => tiledSize(64, 6, 64)).toThrow(`${4n * 64n ** 6n} bytes`);
  });

  it.each([
    [2 ** 53 - 1, 2 ** 53 - 1],
    [2, 2 ** 53 - 1],
    [2 ** 53 - 1, 2],
    [1e6, 1e6],
  ])('answers at once for d = %d, p = %d', (d, p) => {
    expect(() => embeddedSize(d, p)).toThrow(OutOfMemoryError);
  });
});
