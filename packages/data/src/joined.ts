/** The pieces one after the other, in an array that `make` makes. */
export function joined<A extends Uint8Array | Uint16Array | Int32Array>(
  pieces: readonly ArrayLike<number>[],
  make: (length: number) => A,
): A {
  const all = make(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** {@link joined} bytes. */
export const joinedBytes = (pieces: readonly Uint8Array[]): Uint8Array =>
  joined(pieces, (length) => new Uint8Array(length));
