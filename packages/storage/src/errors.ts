// The error of this package, and those of it that several storages throw.
import { isSympowError, SympowError, type ErrorDetails } from '@sympow/core';
import type { StorageProblem } from './api';

/** A folder or file that cannot be read or written. `reason` says why, for programs. */
export class StorageError extends SympowError {
  override readonly name = 'StorageError';
  readonly code = 'STORAGE';
  readonly reason: StorageProblem;

  constructor(reason: StorageProblem, details: ErrorDetails) {
    super(details);
    this.reason = reason;
  }
}

/**
 * Whether an error is one of a storage, of one of some reasons where they are given, whichever copy of this package threw it.
 *
 * @example
 * ```ts
 * import { isStorageError, memoryStorage } from '@sympow/storage';
 * const error: unknown = await memoryStorage().read('a').catch((thrown: unknown) => thrown);
 * console.log(isStorageError(error, 'missing')); // true
 * ```
 */
export function isStorageError(error: unknown, ...reasons: readonly StorageProblem[]): error is StorageError {
  if (!isSympowError(error, 'STORAGE')) return false;
  return reasons.length === 0 || reasons.includes((error as StorageError).reason);
}

/** The error of a storage that has no such file; for storages of your own. */
export function missingFile(path: string, cause?: unknown): StorageError {
  return new StorageError('missing', {
    what: path,
    value: undefined,
    message: `there is no file ${path}`,
    expected: 'it to be there',
    remedy: 'Check the path.',
    cause,
  });
}

export function fileTooShort(path: string, bytes: number, needed: number): StorageError {
  return new StorageError('short', {
    what: path,
    value: bytes,
    message: `${path} ends after ${bytes} bytes`,
    expected: `at least ${needed}`,
    remedy: 'The file was cut short; use another copy.',
  });
}

export function fileTooLarge(path: string, bytes: number, maxBytes: number): StorageError {
  return new StorageError('large', { what: `length of ${path}`, value: bytes, expected: `at most ${maxBytes} bytes` });
}

export function nameTaken(path: string, to: string): StorageError {
  return new StorageError('taken', {
    what: 'new name',
    value: to,
    message: `cannot rename ${path}: the new name is taken`,
    expected: 'a free name',
    remedy: 'Move what is there away.',
  });
}
