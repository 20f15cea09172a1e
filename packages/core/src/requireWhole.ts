import { ConfigError } from './errors';

/**
 * Refuses what is no whole number of at least `least`, up to 2⁵³−1.
 *
 * @param what - what it is, as its owner calls it: `batch`
 * @throws ConfigError that names the value
 * @example
 * ```ts
 * requireWhole('batch', 0, 1); // ConfigError: batch is 0; expected a whole number of at least 1.
 * ```
 */
export function requireWhole(what: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ConfigError({ what, value, expected: `a whole number of at least ${least}` });
  }
}
