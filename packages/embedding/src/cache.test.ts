import { expect, it } from 'vitest';
import { boundedCache } from './cache';

it('keeps what was used last, within its budget', () => {
  const built: string[] = [];
  const cached = boundedCache<string>(10, ({ length }) => length);
  const get = (key: string) =>
    cached(key, () => {
      built.push(key);
      return key;
    });
  get('aaaa');
  get('bbbb');
  get('aaaa'); // b is now the oldest
  get('cccc'); // and goes
  get('aaaa');
  get('bbbb');
  expect(built).toEqual(['aaaa', 'bbbb', 'cccc', 'bbbb']);
  get('hhhhhhhhhhh'); // never kept, and nothing goes for it
  get('aaaa');
  get('bbbb');
  get('hhhhhhhhhhh');
  expect(built.slice(4)).toEqual(['hhhhhhhhhhh', 'hhhhhhhhhhh']);
});

it('does not keep what failed', () => {
  const cached = boundedCache<number>(10, () => 1);
  const fail = () => {
    throw new Error('no');
  };
  expect(() => cached('a', fail)).toThrow('no');
  expect(cached('a', () => 5)).toBe(5);
});
