// A key of an options object that nothing reads is a typo, and would be ignored in silence.

import { ConfigError } from './errors';

/** Every key that `Options` has, and no other: the compiler sees to it. */
export type KnownKeys<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Refuses options with a key that is not known.
 *
 * @param what - whose options they are: `train`, `wasm`
 * @throws ConfigError that names the key and those that there are, or says that the options are no object
 * @example
 * ```ts
 * interface Options { readonly threads?: number }
 * const keys: KnownKeys<Options> = { threads: true };
 * requireKnownKeys('wasm', { threads: 1 }, keys);
 * ```
 */
export function requireKnownKeys(what: string, options: unknown, keys: Readonly<Record<string, true>>): void {
  const expected = `one of ${Object.keys(keys).join(', ')}`;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError({
      what: `what ${what} was given as options`,
      value: options,
      expected: `an object with any of ${Object.keys(keys).join(', ')}`,
    });
  }
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(keys, key)) continue;
    throw new ConfigError({
      what: 'an option',
      value: key,
      message: `${what} has no option ${JSON.stringify(key)}`,
      expected,
    });
  }
}
