// The error of this package.
import { SympowError } from '@sympow/core';

/** Bytes that are not a safetensors file, are cut short, or contradict themselves. */
export class FormatError extends SympowError {
  override readonly name = 'FormatError';
  readonly code = 'FORMAT';
}
