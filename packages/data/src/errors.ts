// The error of this package. The base class comes from `@sympow/embedding`, which stands below.
import { SympowError } from '@sympow/core';

/** A text, a dataset, a tokenizer or a cursor that is not what it should be: missing, too short, damaged, another one. */
export class DataError extends SympowError {
  override readonly name = 'DataError';
  readonly code = 'DATA';
}
