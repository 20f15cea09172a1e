// The storage at a location: a server for an address, else a folder on this machine.
import { ConfigError } from '@sympow/core';
import { isAddress, lastName, parseAddress } from './address';
import type { Storage } from './api';
import { folderStorage, type FolderOptions } from './folder';
import { httpStorage, type HttpOptions } from './http';
import { nodeFiles } from './node';

/** How a location is read, whichever it turns out to be. */
export interface OpenOptions extends FolderOptions {
  readonly http?: HttpOptions | undefined;
}

/**
 * The folder at a path or an address.
 *
 * @throws ConfigError for an empty path, which would mean the working folder
 * @throws StorageError for an address that is none, or a path in a runtime without files
 * @example
 * ```ts
 * import { openStorage } from '@sympow/storage';
 * console.log(openStorage('https://example.org/models/first').path); // https://example.org/models/first
 * ```
 */
export function openStorage(location: string, { http, ...options }: OpenOptions = {}): Storage {
  return isAddress(location) ? httpStorage(location, http) : folderStorage(location, options);
}

/**
 * The folder that a file lies in, and its name there.
 *
 * @throws as {@link openStorage}
 */
export function openFile(
  location: string,
  options: OpenOptions = {},
): { readonly storage: Storage; readonly name: string } {
  if (location === '') {
    throw new ConfigError({ what: 'path', value: location, expected: 'that of a file, or an address' });
  }
  if (!isAddress(location)) {
    const { path } = nodeFiles();
    return { storage: openStorage(path.dirname(location), options), name: path.basename(location) };
  }
  const address = parseAddress(location);
  const above = new URL('.', address);
  above.search = address.search;
  return { storage: openStorage(above.href, options), name: lastName(location) };
}
