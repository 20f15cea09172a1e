// What reading and writing share of the format.

/** The member of the header that is no tensor. */
export const METADATA = '__metadata__';

/** Bytes in front of the header that say how long it is. */
export const LENGTH_BYTES = 8;

/** How much is believed unless said otherwise: bytes of a header or an index (the limit of the reference implementation). */
export const MAX_HEADER_BYTES = 100_000_000;
export const MAX_TENSORS = 100_000;

export function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
