// The error of this package.
import { SympowError } from '@sympow/embedding';

/** A checkpoint that cannot be read as it is: not the format, cut short, contradicting itself, or not for this model. */
export class CheckpointError extends SympowError {
  override readonly name = 'CheckpointError';
  readonly code = 'CHECKPOINT';
}
