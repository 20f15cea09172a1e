// What decoding says of bytes that are not what they should be.

/** Why a chunk cannot be used. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

/** How many bytes something may decode to. Where both are equal, that many and no others. */
export interface Room {
  readonly least: number;
  readonly most: number;
}

/** @throws Damage if something says that it holds fewer or more bytes than there is room for */
export function requireRoom(declared: number, { least, most }: Room): void {
  if (declared >= least && declared <= most) return;
  const expected = least === most ? `${most}` : `at most ${most}`;
  throw new Damage(`it says that it holds ${declared} bytes, not ${expected}`);
}
