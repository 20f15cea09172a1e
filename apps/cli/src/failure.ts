// What a person sees of an error: one line that names the value and the remedy. `--debug` shows where it came from.

import { isSympowError, SympowError } from '@sympow/kernels';
import { exitCodeOfSignal } from './interrupt';
import { visible } from './visible';

/** Wrong use of the command line, as against wrong data: exit code 2. */
export class UsageError extends SympowError {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

/** What an aborted signal throws: somebody pressed Ctrl-C, and nothing went wrong. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

export function exitCodeOf(error: unknown): number {
  if (isAbort(error)) return exitCodeOfSignal();
  return isSympowError(error) && ['USAGE', 'CONFIG'].includes(error.code) ? 2 : 1;
}

export function explain(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `sympow: ${visible(String(error))}`;
  if (isAbort(error)) return 'sympow: stopped';
  if (debug) return visible(error.stack ?? error.message);
  const line = visible(error.message.replace(/\s*\n\s*/g, ' '));
  // What was not thrown on purpose is a defect of ours, and its stack is worth reporting.
  return isSympowError(error) ? `sympow: ${line}` : `sympow: ${line} (unexpected; --debug shows where)`;
}

/** What a person is told when a result could not be written. */
export function explainLoss({ code, message }: NodeJS.ErrnoException): string {
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return `sympow: cannot write to standard output: ${full ? 'the disk is full' : message}`;
}
