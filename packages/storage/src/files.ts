// Names and contents of files: what every storage checks and takes apart in the same way.
import { ConfigError, isTypedArray } from '@sympow/core';
import type { FileContents, Storage } from './api';
import { fileTooLarge, fileTooShort } from './errors';

/** The pieces of a file's contents. */
export function chunksOf(contents: FileContents): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof contents === 'string') return [new TextEncoder().encode(contents)];
  return isTypedArray(contents, 'Uint8Array') ? [contents] : contents;
}

/** @throws ConfigError for a name that would lead out of its folder */
export function requireName(name: string): string {
  if (!/^[^/\\\0]+$/.test(name) || name === '.' || name === '..') {
    throw new ConfigError({ what: 'name of a file', value: name, expected: 'a single name without slashes' });
  }
  return name;
}

/** @throws StorageError `short` where a file of `size` bytes does not hold those from `begin` to `end` */
export function requireRange(path: string, begin: number, end: number, size: number): void {
  if (begin < 0 || end > size || begin > end) throw fileTooShort(path, size, Math.max(begin, end));
}

/** A file by its way through folders: `c/0/1`. @throws ConfigError for a way that leads out of them */
export function fileAt(storage: Storage, key: string): { readonly storage: Storage; readonly name: string } {
  const names = key.split('/');
  const name = requireName(names.pop()!);
  return { storage: names.reduce((folder, next) => folder.folder(next), storage), name };
}

/** Bytes in a file. @throws StorageError `missing` if there is none */
export async function requireSize(storage: Storage, name: string): Promise<number> {
  // Reading says best why there is nothing to read.
  return (await storage.size(name)) ?? (await storage.read(name)).length;
}

/**
 * All of a file that may be there; nothing where it is not.
 *
 * @throws StorageError `large` where it has more than `maxBytes`
 */
export async function readWhole(storage: Storage, name: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const size = await storage.size(name);
  if (size === undefined) return undefined;
  if (size > maxBytes) throw fileTooLarge(`${storage.path}/${name}`, size, maxBytes);
  return storage.read(name, 0, size);
}
