// A block of LZ4: literals and copies of what came before.
//
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
import { Damage, requireRoom, type Room } from './damage';

/** Fills `out` from a block. @throws Damage unless it fills it exactly */
export function lz4Block(block: Uint8Array, out: Uint8Array): void {
  let at = 0;
  let size = 0;
  /** A length of four bits goes on in bytes of 255 and one below. */
  const lengthOf = (bits: number) => {
    let length = bits;
    if (bits < 15) return length;
    for (let byte = 255; byte === 255; length += byte) {
      if (at >= block.length) throw new Damage('its LZ4 is cut off');
      byte = block[at++]!;
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = lengthOf(token >> 4);
    if (at + literals > block.length || size + literals > out.length) throw new Damage('its LZ4 is damaged');
    for (const end = at + literals; at < end;) out[size++] = block[at++]!;
    // The last sequence has no copy.
    if (at === block.length) break;
    if (at + 2 > block.length) throw new Damage('its LZ4 is cut off');
    const distance = block[at]! | (block[at + 1]! << 8);
    at += 2;
    const length = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > size || size + length > out.length) throw new Damage('its LZ4 is damaged');
    // A copy may reach into what it writes.
    for (const end = size + length; size < end; size++) out[size] = out[size - distance]!;
  }
  if (size !== out.length) throw new Damage(`its LZ4 holds ${size} bytes, not ${out.length}`);
}

/** A block with its size in front, little-endian, as numcodecs has it. */
export function lz4(bytes: Uint8Array, room: Room): Uint8Array {
  if (bytes.length < 4) throw new Damage('it is no LZ4');
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  requireRoom(size, room);
  const out = new Uint8Array(size);
  lz4Block(bytes.subarray(4), out);
  return out;
}
