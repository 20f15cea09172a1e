// The checksum at the end of a chunk: CRC-32C (RFC 3720, appendix B.4), little-endian, as the codec `crc32c` of Zarr has it.

/** The remainders of single bytes, with the polynomial of Castagnoli, reflected. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  return rest;
});

/** CRC-32C of some bytes. */
export function crc32c(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = (rest >>> 8) ^ TABLE[(rest ^ bytes[i]!) & 0xff]!;
  return ~rest >>> 0;
}

/** Bytes with their checksum behind them. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 4);
  out.set(bytes);
  new DataView(out.buffer).setUint32(bytes.length, crc32c(bytes), true);
  return out;
}

/** Bytes without the checksum behind them; undefined if it is another one. */
export function withoutChecksum(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < 4) return undefined;
  const rest = bytes.subarray(0, bytes.length - 4);
  const stored = new DataView(bytes.buffer, bytes.byteOffset + rest.length, 4).getUint32(0, true);
  return stored === crc32c(rest) ? rest : undefined;
}
