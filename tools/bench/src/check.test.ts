import { describe, expect, it } from 'vitest';
import { expectClose, expectSlope, relativeError, WrongResult } from './check';

describe('relativeError', () => {
  it('is the norm of the difference over that of what is expected', () => {
    expect(relativeError([3, 4.5], [3, 4])).toBeCloseTo(0.1);
    expect(relativeError([0.5], [0])).toBe(0.5);
  });

  it('is NaN for a NaN on either side and for another length', () => {
    expect(relativeError([NaN], [1])).toBeNaN();
    expect(relativeError([1], [NaN])).toBeNaN();
    expect(relativeError([1], [1, 2])).toBeNaN();
  });
});

describe('expectClose', () => {
  it('lets rounding pass and nothing else', () => {
    expect(() => expectClose('it', [1 + 1e-7], [1], 1e-6)).not.toThrow();
    expect(() => expectClose('it', [1.1], [1], 1e-6)).toThrow(WrongResult);
    expect(() => expectClose('it', [NaN], [NaN], 1e-6)).toThrow(WrongResult);
  });
});

describe('expectSlope', () => {
  const value = [2, 3];
  const direction = [1, -2];
  const cubes = ([x]: Float64Array[]) => x![0]! ** 3 + x![1]! ** 3;

  it('accepts the gradient of a function', () => {
    expect(() => expectSlope('cubes', cubes, [{ value, direction, gradient: [12, 27] }], 1e-6)).not.toThrow();
  });

  it('finds one wrong entry', () => {
    expect(() => expectSlope('cubes', cubes, [{ value, direction, gradient: [12, 28] }], 1e-6)).toThrow(WrongResult);
    expect(() => expectSlope('cubes', cubes, [{ value, direction, gradient: [NaN, 27] }], 1e-6)).toThrow(WrongResult);
  });
});
