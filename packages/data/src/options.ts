// Options, checked at the door.
import { ConfigError, OutOfMemoryError, requireWhole } from '@sympow/core';
import type { DatasetOptions } from './api';
import { DataError } from './errors';

/** What a batch may take as it is handed over: tokens in and out, and where each row lies. */
const mostBatchBytes = 2 ** 31;
const bytesPerToken = 8;
const bytesPerRow = 128;

/**
 * Refuses a batch before it is made: what is too much for the heap of an engine ends the process.
 *
 * @throws ConfigError unless both are whole numbers of at least 1
 * @throws OutOfMemoryError that names the bytes
 */
export function requireBatch(batch: number, context: number): void {
  requireWhole('batch', batch, 1);
  requireWhole('context', context, 1);
  const bytes = batch * (bytesPerToken * context + bytesPerRow);
  if (bytes <= mostBatchBytes) return;
  throw new OutOfMemoryError({
    what: `a batch of ${batch} rows of ${context} tokens`,
    value: bytes,
    message: `a batch of ${batch} rows of ${context} tokens takes ${bytes} bytes`,
    expected: `at most ${mostBatchBytes} bytes`,
    remedy: 'Use a smaller batch or a shorter context.',
  });
}

/**
 * Where a source lies and how it is read, with defaults.
 *
 * @throws ConfigError for a cache that is not a number of bytes, or another way with damaged files
 * @throws DataError for an empty path
 */
export function requireReading(location: string, { cacheBytes = 2 ** 28, damaged = 'fail' }: DatasetOptions) {
  requireWhole('cacheBytes', cacheBytes, 0);
  if (damaged !== 'fail' && damaged !== 'skip') {
    throw new ConfigError({ what: 'damaged', value: damaged, expected: '"fail" or "skip"' });
  }
  requirePath(location);
  return { cacheBytes, damaged };
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
