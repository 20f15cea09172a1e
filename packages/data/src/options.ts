// Options, checked at the door.
import { ConfigError } from '@sympow/embedding';
import { DataError } from './errors';

/** @throws ConfigError unless `value` is a whole number of at least `minimum`, up to 2⁵³−1 */
export function requireWhole(what: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new ConfigError({ what, value, expected: `a whole number of at least ${minimum}` });
  }
}

/** @throws DataError for an empty path, which an operating system would take for the current folder */
export function requirePath(path: string): void {
  if (path !== '') return;
  throw new DataError({
    what: 'path',
    value: path,
    expected: 'the name of a file or folder, or an address',
    remedy: 'The current folder is ".".',
  });
}
