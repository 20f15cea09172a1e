/** The error of this package. */

import { SympowError } from '@sympow/core';

/** MPI is not there or not the right one, or a process of the job has failed or is gone. */
export class DistributedError extends SympowError {
  override readonly name = 'DistributedError';
  readonly code = 'DISTRIBUTED';
}
