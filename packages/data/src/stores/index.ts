// The store at a location: a server for an address, else a folder.
import { requirePath } from '../options';
import { nodeFiles } from '../runtime';
import type { ByteStore } from './api';
import { folderStore } from './folderStore';
import { httpStore, parseAddress, type HttpOptions } from './httpStore';

/** Whether a location is an address on the web. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** The folder or server at a location. @throws DataError for an address that is none */
export function openStore(location: string, options: HttpOptions = {}): ByteStore {
  requirePath(location);
  return isUrl(location) ? httpStore(location, options) : folderStore(location);
}

/** The store that a file lies in, and its key there. @throws DataError for an address that is none */
export function storeOf(location: string, options: HttpOptions = {}): { store: ByteStore; key: string } {
  requirePath(location);
  if (!isUrl(location)) {
    const { path } = nodeFiles();
    return { store: folderStore(path.dirname(location)), key: path.basename(location) };
  }
  const address = parseAddress(location);
  const above = new URL('.', address);
  above.search = address.search;
  return { store: httpStore(above.href, options), key: lastName(location) };
}

/** The last name in a path or address: what a dataset is called. @throws DataError for an address that is none */
export function lastName(location: string): string {
  if (!isUrl(location)) {
    const { path } = nodeFiles();
    return path.basename(path.resolve(location));
  }
  const name = parseAddress(location).pathname.replace(/\/+$/, '').split('/').at(-1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
