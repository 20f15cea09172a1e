// Ranges of bytes in files.
import { DataError } from '../errors';
import type { ByteRange } from './api';

/** A file that is shorter or longer than it can be if it is whole. */
export class FileSizeError extends DataError {}

/** Where bytes of a file of a known size begin and end. @throws FileSizeError if the file does not have them */
export function resolveRange(range: ByteRange, size: number, file: string): { begin: number; end: number } {
  if ('atMost' in range) {
    if (size <= range.atMost) return { begin: 0, end: size };
    throw new FileSizeError({ what: `size of ${file}`, value: size, expected: `at most ${range.atMost} bytes` });
  }
  const { begin, end } = 'last' in range ? { begin: size - range.last, end: size } : range;
  if (begin >= 0 && begin <= end && end <= size) return { begin, end };
  throw new FileSizeError({
    what: `size of ${file}`,
    value: size,
    message: `${file} ends after ${size} bytes`,
    expected: `bytes ${Math.max(begin, 0)} to ${end} in it`,
    remedy: 'It may be cut off; fetch or make it again.',
  });
}
