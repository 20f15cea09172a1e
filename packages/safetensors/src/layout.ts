// What reading and writing share of the format.

/** The member of the header that is no tensor. */
export const METADATA = '__metadata__';

/** Bytes in front of the header that say how long it is. */
export const LENGTH_BYTES = 8;

export function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
