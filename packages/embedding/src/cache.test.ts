import { expect, it } from 'vitest';
import { BoundedCache } from './cache';

it('keeps what was used last, within its budget', () => {
  const built: string[] = [];
  const cache = new BoundedCache<string>(10);
  const get = (key: string, bytes = 4) =>
    cache.get(
      key,
      () => {
        built.push(key);
        return key;
      },
      () => bytes,
    );
  get('a');
  get('b');
  get('a'); // b is now the oldest
  get('c'); // and goes
  get('a');
  get('b');
  expect(built).toEqual(['a', 'b', 'c', 'b']);
  get('huge', 11); // never kept, and nothing goes for it
  get('a');
  get('b');
  get('huge', 11);
  expect(built.slice(4)).toEqual(['huge', 'huge']);
});

it('does not keep what failed', () => {
  const cache = new BoundedCache<number>(10);
  const fail = () => {
    throw new Error('no');
  };
  expect(() => cache.get('a', fail, () => 1)).toThrow('no');
  expect(
    cache.get(
      'a',
      () => 5,
      () => 1,
    ),
  ).toBe(5);
});
