import { describe, expect, it } from 'vitest';
import { ConfigError, describeValue, OutOfMemoryError, ShapeError, SympowError } from './errors';

describe('an error', () => {
  it('names the value, what was expected and the remedy in one line', () => {
    const error = new ConfigError({
      what: 'power',
      value: 0,
      expected: 'a whole number of at least 1',
      remedy: 'Even powers keep\n  the denominator positive',
    });
    expect(error.message).toBe(
      'power is 0; expected a whole number of at least 1. Even powers keep the denominator positive.',
    );
    expect(error).toMatchObject({ name: 'ConfigError', code: 'CONFIG', value: 0 });
    expect(String(error)).toMatch(/^ConfigError: power is 0/);
  });

  it('can say the problem in its own words and carry a cause', () => {
    const cause = new RangeError('no');
    const error = new OutOfMemoryError({
      what: 'state',
      value: 9,
      message: 'the state would take 36 bytes',
      expected: 'less',
      cause,
    });
    expect(error.message).toBe('the state would take 36 bytes; expected less.');
    expect(error.cause).toBe(cause);
    expect('cause' in new ShapeError({ what: 'x', value: 1, expected: '2' })).toBe(false);
  });

  it('can be extended with a code of one’s own, which narrows', () => {
    class DataError extends SympowError {
      override readonly name = 'DataError';
      readonly code = 'DATA';
    }
    const error: DataError | ShapeError = new DataError({ what: 'vocabulary', value: [], expected: 'tokens' });
    expect(error).toBeInstanceOf(SympowError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ShapeError);
    expect(error.code).toBe('DATA');
  });
});

it.each<[unknown, string]>([
  [-0, '-0'],
  [NaN, 'NaN'],
  [3n, '3n'],
  [null, 'null'],
  [undefined, 'undefined'],
  ['a\nb', '"a\\nb"'],
  ['x'.repeat(500), `"${'x'.repeat(72)}…"`],
  [[2, 3], '[2, 3]'],
  [[[1], 'a'], '[[…], "a"]'],
  [Array.from({ length: 20 }, (_, i) => i), '[0, 1, 2, 3, 4, 5, 6, 7, … (20 in all)]'],
  [new Float32Array(12), 'Float32Array(12)'],
  [new DataView(new ArrayBuffer(4)), 'an instance of DataView'],
  [new Map(), 'an instance of Map'],
  [{ a: 1, b: 2, c: 3, d: 4, e: 5 }, 'an object with keys [a, b, c, d, … (5 in all)]'],
  [{ a: 1, b: 2 }, 'an object with keys [a, b]'],
  [Object.create(null), 'an object with keys []'],
  [new Error('gone'), 'Error "gone"'],
  [Math.max, 'function max'],
  [Symbol('s'), 'Symbol(s)'],
])('%o is described as %s', (value, text) => {
  expect(describeValue(value)).toBe(text);
});
