import { describe, expect, it } from 'vitest';
import { ropeFrequencies } from './rope';
import { isRopeScaling } from './ropeScaling';

describe('the frequencies of RoPE', () => {
  it('fall from 1 by powers of the base, the same for every head', () => {
    const expected = [1, 10, 100, 1000].map((x) => 1 / x);
    const found = ropeFrequencies(8, 10_000, 2);
    [...expected, ...expected].forEach((value, i) => expect(found[i]).toBeCloseTo(value, 15));
  });

  it('all fall by the factor of a linear scaling', () => {
    expect(ropeFrequencies(4, 100, 1, { kind: 'linear', factor: 4 })).toEqual(Float64Array.of(0.25, 0.025));
  });

  it('fall in llama3 where a turn takes long, and stay where it is short', () => {
    const scaling = { kind: 'llama3', factor: 8, lowTurns: 1, highTurns: 4, context: 8192 } as const;
    const plain = ropeFrequencies(128, 500_000, 1);
    const found = ropeFrequencies(128, 500_000, 1, scaling);
    const seen = { kept: 0, lowered: 0, between: 0 };
    plain.forEach((theta, i) => {
      // As in the program that came with those models: by the length of a turn.
      const length = (2 * Math.PI) / theta;
      let expected = theta;
      if (length > 8192) {
        expected = theta / 8;
        seen.lowered++;
      } else if (length >= 8192 / 4) {
        const smooth = (8192 / length - 1) / (4 - 1);
        expected = ((1 - smooth) * theta) / 8 + smooth * theta;
        seen.between++;
      } else seen.kept++;
      expect(found[i]! / expected).toBeCloseTo(1, 14);
    });
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
  });

  it.each([
    ['a word', 'dynamic'],
    ['nothing', null],
    ['no kind', { factor: 2 }],
    ['no factor', { kind: 'linear' }],
    ['turns the wrong way round', { kind: 'llama3', factor: 8, lowTurns: 4, highTurns: 1, context: 8192 }],
  ])('scaled by %s are refused', (_, scaling) => {
    expect(isRopeScaling(scaling)).toBe(false);
  });
});
