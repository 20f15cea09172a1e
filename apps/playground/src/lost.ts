import { isSympowError } from '@sympow/core';

/** Whether the device went away, with all that was on it: what the error says, or what caused it. */
export function isLost(error: unknown): boolean {
  if (isSympowError(error, 'DEVICE_LOST')) return true;
  return error instanceof Error && error.cause !== undefined && isLost(error.cause);
}
