import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PrefixSums } from './prefixSums';

it('finds, for every position, the item that it falls on', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40 }), (weights) => {
      const sums = new PrefixSums(weights.length, (item) => weights[item]!);
      const expected = weights.flatMap((weight, item) => Array<number>(weight).fill(item));
      expect(expected.map((_, position) => sums.find(position))).toEqual(expected);
      expect(sums.total).toBe(expected.length);
      for (const item of new Set(expected)) expect(sums.start(item)).toBe(expected.indexOf(item));
    }),
  );
});

it('holds nothing when there are no items', () => {
  expect(new PrefixSums(0, () => 1).total).toBe(0);
});
