import { describe, expect, it } from 'vitest';
import { ConfigError } from './errors';
import { requireKnownKeys, type KnownKeys } from './knownKeys';

interface Options {
  readonly threads?: number;
  readonly wide?: boolean;
}
const keys: KnownKeys<Options> = { threads: true, wide: true };

describe('the keys of an options object', () => {
  it('may be left out, and may be undefined', () => {
    for (const options of [{}, { threads: 1 }, { threads: undefined, wide: true }])
      requireKnownKeys('wasm', options, keys);
  });

  it.each([
    [{ thread: 1 }, 'wasm has no option "thread"; expected one of threads, wide.'],
    [{ toString: 1 }, 'wasm has no option "toString"; expected one of threads, wide.'],
    [4, 'what wasm was given as options is 4; expected an object with any of threads, wide.'],
    [null, 'what wasm was given as options is null; expected an object with any of threads, wide.'],
  ])('%j is refused', (options, message) => {
    expect(() => requireKnownKeys('wasm', options, keys)).toThrow(ConfigError);
    expect(() => requireKnownKeys('wasm', options, keys)).toThrow(message);
  });
});
