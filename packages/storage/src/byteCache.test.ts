import { describe, expect, it } from 'vitest';
import { ByteCache } from './byteCache';

const entry = (byteLength: number) => ({ byteLength });

describe('a cache', () => {
  it('keeps what was used last, in no more bytes than it may', async () => {
    const cache = new ByteCache<{ byteLength: number }>(30);
    for (const key of ['a', 'b', 'c']) await cache.get(key, async () => entry(10));
    cache.peek('a');
    await cache.get('d', async () => entry(10));
    expect(['a', 'b', 'c', 'd'].map((key) => cache.peek(key) !== undefined)).toEqual([true, false, true, true]);
    expect(cache.bytes).toBe(30);
    await cache.get('e', async () => entry(25));
    expect(cache.bytes).toBe(25);
  });

  it('does not keep what is larger than it', async () => {
    const cache = new ByteCache<{ byteLength: number }>(5);
    expect((await cache.get('a', async () => entry(6))).byteLength).toBe(6);
    expect([cache.bytes, cache.peek('a')]).toEqual([0, undefined]);
  });

  it('makes an entry once, however often it is asked for meanwhile, and again after a failure', async () => {
    const cache = new ByteCache<{ byteLength: number }>(100);
    let made = 0;
    const make = async () => {
      if (made++ === 0) throw new Error('no luck');
      return entry(1);
    };
    const failures = await Promise.allSettled([cache.get('a', make), cache.get('a', make)]);
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(made).toBe(1);
    await Promise.all([cache.get('a', make), cache.get('a', make), cache.get('a', make)]);
    expect(made).toBe(2);
  });
});
