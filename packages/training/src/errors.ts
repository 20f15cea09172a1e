/** The error of this package. */

import { SympowError } from '@sympow/kernels';

/** Training that cannot go on: a loss or a gradient norm that is not a finite number. */
export class TrainingError extends SympowError {
  override readonly name = 'TrainingError';
  readonly code = 'TRAINING';
}
