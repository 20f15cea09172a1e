// Locations: paths on this machine, and addresses.
import { StorageError } from './errors';
import { nodeFiles } from './node';

/**
 * Whether a location is an address on the web.
 *
 * @example
 * ```ts
 * import { isAddress } from '@sympow/storage';
 * console.log(isAddress('https://example.org/models/first')); // true
 * ```
 */
export function isAddress(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** @throws StorageError for what is no address, or has a password in it */
export function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && url.username === '' && url.password === '') return url;
  throw new StorageError('refused', {
    what: 'address',
    value: url ? url.host : address,
    message: url ? `the address at ${url.host} has a user in it, which nobody may ask for` : `${address} is no address`,
    expected: 'https://host/path',
    remedy: url && 'Hand them over in a header, as authorization.',
  });
}

/** The last name in a path or address. @throws StorageError for an address that is none */
export function lastName(location: string): string {
  if (!isAddress(location)) {
    const { path } = nodeFiles();
    return path.basename(path.resolve(location));
  }
  const name = parseAddress(location).pathname.replace(/\/+$/, '').split('/').pop() ?? '';
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
