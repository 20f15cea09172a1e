// The error of this package.
import { isSympowError, SympowError } from '@sympow/kernels';

/** A checkpoint that cannot be read as it is: not the format, cut short, contradicting itself, or not for this model. */
export class CheckpointError extends SympowError {
  override readonly name = 'CheckpointError';
  readonly code = 'CHECKPOINT';
}

/** What `read` returns; what is wrong with the format of a file is wrong with the checkpoint. */
export function ofCheckpoint<R>(read: () => R): R {
  try {
    return read();
  } catch (error) {
    throw asCheckpoint(error);
  }
}

/** {@link ofCheckpoint} of what takes a while. */
export async function readingCheckpoint<R>(read: () => Promise<R>): Promise<R> {
  return read().catch((error: unknown) => {
    throw asCheckpoint(error);
  });
}

function asCheckpoint(error: unknown): unknown {
  if (!isSympowError(error, 'FORMAT')) return error;
  const { problem, value, expected, remedy } = error;
  return new CheckpointError({ what: 'file', value, message: problem, expected, remedy, cause: error });
}
