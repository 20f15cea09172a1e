/** Options, checked at the door. */

import { ConfigError } from '@sympow/kernels';

/** @throws ConfigError unless `value` is a whole number of at least `minimum`, up to 2⁵³−1 */
export function requireWhole(what: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new ConfigError({ what, value, expected: `a whole number of at least ${minimum}` });
  }
}
