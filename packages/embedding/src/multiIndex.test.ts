import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, OutOfMemoryError } from '@sympow/core';
import { embeddingWeights, multiIndexRank, multiIndices } from './multiIndex';
import { embeddingPlan } from './plan';
import { embeddedSize } from './size';

const sizes = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 6 }));

/** The rows of [D, p], the slow way. */
function allMultiIndices(d: number, p: number, from = 0): number[][] {
  if (p === 0) return [[]];
  const rows: number[][] = [];
  for (let i = from; i < d; i++) rows.push(...allMultiIndices(d, p - 1, i).map((rest) => [i, ...rest]));
  return rows;
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

it('lists non-decreasing multi-indices in lexicographic order', () => {
  expect([...multiIndices(3, 2)]).toEqual([0, 0, 0, 1, 0, 2, 1, 1, 1, 2, 2, 2]);
  fc.assert(
    fc.property(sizes, ([d, p]) => {
      expect([...multiIndices(d, p)]).toEqual(allMultiIndices(d, p).flat());
    }),
  );
});

it('weighs every entry with sqrt(p! / ∏ m_k!)', () => {
  fc.assert(
    fc.property(sizes, ([d, p]) => {
      const expected = allMultiIndices(d, p).map((row) => {
        const repeats = Array.from({ length: d }, (_, k) => factorial(row.filter((i) => i === k).length));
        return Math.sqrt(factorial(p) / repeats.reduce((a, b) => a * b, 1));
      });
      expect([...embeddingWeights(d, p)]).toEqual(expected);
    }),
  );
});

it('weights squared add up to d^p, up to the largest power of a double', () => {
  for (const [d, p] of [
    [64, 2],
    [16, 4],
    [2, 1000],
  ] as const) {
    const sum = embeddingWeights(d, p).reduce((total, w) => total + w * w, 0);
    expect(sum / d ** p).toBeCloseTo(1, 10);
  }
});

it('ranks every multi-index where it stands', () => {
  fc.assert(
    fc.property(sizes, ([d, p]) => {
      const ranks = allMultiIndices(d, p).map((row) => multiIndexRank(row, d));
      expect(ranks).toEqual(ranks.map((_, position) => position));
    }),
  );
  expect(multiIndexRank([63, 63, 63, 63], 64)).toBe(766_479);
});

it('the plan reaches every multi-index from its prefix', () => {
  fc.assert(
    fc.property(sizes, ([d, p]) => {
      const { degrees, weights, size } = embeddingPlan(d, p);
      let rows: number[][] = [[]];
      for (let r = 1; r <= p; r++) {
        const { parent, last, size: degreeSize } = degrees[r]!;
        rows = Array.from(parent, (j, i) => [...rows[j]!, last[i]!]);
        expect(rows).toHaveLength(degreeSize);
        expect(rows).toEqual(allMultiIndices(d, r));
      }
      expect(size).toBe(rows.length);
      expect(weights).toEqual(embeddingWeights(d, p));
    }),
  );
});

it('the plan is built once', () => {
  expect(embeddingPlan(9, 3)).toBe(embeddingPlan(9, 3));
});

describe('refusals', () => {
  it.each([[[]], [[1, 0]], [[0, 4]], [[-1, 0]], [[0.5, 1]], [[NaN]]])(
    '%j is no multi-index over 4 coordinates',
    (row) => {
      expect(() => multiIndexRank(row, 4)).toThrow(ConfigError);
    },
  );

  it('powers whose weights leave the range of a double', () => {
    expect(() => embeddingWeights(2, 1025)).toThrow(ConfigError);
    expect(() => embeddingWeights(3, 700)).toThrow('expected at most about 646 for d = 3');
  });

  it('tables that cannot be held', () => {
    expect(() => multiIndices(2, 60_000)).toThrow(OutOfMemoryError);
    expect(() => embeddedSize(300, 4)).not.toThrow();
    expect(() => embeddingPlan(128, 6)).toThrow(OutOfMemoryError);
  });
});
