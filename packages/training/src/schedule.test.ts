import { ConfigError } from '@sympow/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { warmupCosine } from './schedule';

describe('warm-up and cosine', () => {
  it('rises in a line, turns at the top, and falls to the floor, where it stays', () => {
    const schedule = warmupCosine({ learningRate: 8, warmup: 4, decaySteps: 12, floor: 0.5 });
    expect([1, 2, 3, 4].map(schedule)).toEqual([2, 4, 6, 8]);
    expect(schedule(8)).toBeCloseTo(6, 12);
    expect(schedule(6)).toBeCloseTo(6 + 2 * Math.SQRT1_2, 12);
    expect([12, 13, 1e9].map(schedule)).toEqual([4, 4, 4]);
  });

  it('falls to a tenth unless told otherwise', () => {
    expect(warmupCosine({ learningRate: 1, warmup: 0, decaySteps: 10 })(10)).toBe(0.1);
  });

  it('may begin at the top, end at 0, or only rise', () => {
    const falling = warmupCosine({ learningRate: 1, warmup: 0, decaySteps: 1000, floor: 0 });
    expect(falling(1)).toBeCloseTo(1, 5);
    expect(falling(1000)).toBe(0);
    const rising = warmupCosine({ learningRate: 1, warmup: 2, decaySteps: 2 });
    expect([1, 2, 3].map(rising)).toEqual([0.5, 1, 0.1]);
  });

  it('never leaves 0 … learningRate, and never rises after the warm-up', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (w, d, f) => {
          const warmup = Math.min(w, d);
          const schedule = warmupCosine({ learningRate: 3, warmup, decaySteps: d, floor: f });
          for (let step = 1; step <= d + 2; step++) {
            expect(schedule(step)).toBeGreaterThanOrEqual(0);
            expect(schedule(step)).toBeLessThanOrEqual(3 * (1 + 1e-15));
            if (step > warmup) expect(schedule(step + 1)).toBeLessThanOrEqual(schedule(step));
          }
        },
      ),
    );
  });

  const good = { learningRate: 1, warmup: 1, decaySteps: 10, floor: 0.1 };
  it.each([
    { learningRate: 0 },
    { learningRate: -1 },
    { learningRate: NaN },
    { learningRate: Infinity },
    { warmup: -1 },
    { warmup: 1.5 },
    { warmup: 11 },
    { decaySteps: 0 },
    { decaySteps: NaN },
    { floor: -0.1 },
    { floor: 1.1 },
  ])('refuses %o', (wrong) => {
    expect(() => warmupCosine({ ...good, ...wrong })).toThrow(ConfigError);
    expect(() => warmupCosine({ ...good, ...wrong })).toThrow(Object.keys(wrong)[0]);
  });
});
