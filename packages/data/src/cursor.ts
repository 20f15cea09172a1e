// Going on from a saved place, after a check that it is one of the same run.
import type { Cursor } from './api';
import { DataError } from './errors';

/** The row to go on from. @throws DataError if the cursor belongs to something else than `here` */
export function resumeAt(cursor: Cursor, here: Omit<Cursor, 'row'>): number {
  for (const key of ['version', 'task', 'order', 'seed', 'context', 'documents', 'tokens'] as const) {
    if (cursor?.[key] !== here[key]) {
      const remedy = 'Resume with the data and the options that it was saved with, or start without it.';
      throw new DataError({ what: `${key} of the cursor`, value: cursor?.[key], expected: `${here[key]}`, remedy });
    }
  }
  if (!Number.isSafeInteger(cursor.row) || cursor.row < 0) {
    throw new DataError({ what: 'row of the cursor', value: cursor.row, expected: 'a whole number of at least 0' });
  }
  return cursor.row;
}
