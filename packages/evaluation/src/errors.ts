import { SympowError } from '@sympow/core';

/** A package that need not be there is asked for, and is not. */
export class MissingPackageError extends SympowError {
  override readonly name = 'MissingPackageError';
  readonly code = 'MISSING_PACKAGE';
}
