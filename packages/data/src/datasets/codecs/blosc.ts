// The container of Blosc 1: blocks, each in one part or one for each byte of an element, compressed on their own, with the bytes
// or bits of elements sorted by their place. Decoded here because the libraries do not say when it fails.
//
// https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
import { blosclz } from './blosclz';
import { Damage, requireRoom, type Room } from './damage';
import { inflate } from './inflate';
import { lz4Block } from './lz4';
import { zstd } from './zstd';

const HEADER = 16;

/** No block is smaller, unless all is. */
const SMALLEST_BLOCK = 128;

/** Elements of more bytes are not split. */
const MOST_PARTS = 16;

type Part = (part: Uint8Array, out: Uint8Array) => void | Promise<void>;

/** By their numbers in the header. The second, Snappy, is not built into what writes Zarr any more. */
const parts: readonly (Part | undefined)[] = [
  blosclz,
  lz4Block,
  undefined,
  async (part, out) => out.set(await inflate(part, 'deflate', { least: out.length, most: out.length })),
  async (part, out) => out.set(await zstd(part, { least: out.length, most: out.length })),
];

/** Decodes a container. */
export async function blosc(bytes: Uint8Array, room: Room): Promise<Uint8Array> {
  if (bytes.length < HEADER) throw new Damage('it is no Blosc');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, , flags, element] = bytes as unknown as [number, number, number, number];
  const [size, block, stored] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number];
  requireRoom(size, room);
  if (version !== 2) throw new Damage(`it is Blosc of version ${version}, not 2`);
  if (stored !== bytes.length) throw new Damage(`its Blosc has ${bytes.length} bytes, not ${stored}`);
  if (flags & 2) {
    if (stored !== HEADER + size) throw new Damage('its Blosc is damaged');
    return bytes.slice(HEADER);
  }
  if (size === 0) return new Uint8Array(0);
  const decode = parts[flags >> 5];
  if (!decode) throw new Damage(`its Blosc is compressed by ${flags >> 5 === 2 ? 'Snappy' : `codec ${flags >> 5}`}`);
  const blocks = Math.ceil(size / block);
  if (element === 0 || block > size || block < Math.min(SMALLEST_BLOCK, size) || HEADER + 4 * blocks > stored) {
    throw new Damage('its Blosc is damaged');
  }
  const out = new Uint8Array(size);
  const sorted = new Uint8Array(block);
  for (let i = 0; i < blocks; i++) {
    const target = out.subarray(i * block, Math.min((i + 1) * block, size));
    const source = sorted.subarray(0, target.length);
    const whole = (flags & 0x10) !== 0 || element > MOST_PARTS || block / element < SMALLEST_BLOCK;
    const count = whole || target.length < block ? 1 : element;
    const length = Math.floor(source.length / count);
    let at = view.getUint32(HEADER + 4 * i, true);
    for (let part = 0; part < count; part++) {
      if (at + 4 > stored) throw new Damage('its Blosc is cut off');
      const taken = view.getUint32(at, true);
      at += 4;
      if (at + taken > stored) throw new Damage('its Blosc is cut off');
      const from = bytes.subarray(at, (at += taken));
      const to = source.subarray(part * length, (part + 1) * length);
      if (taken === length) to.set(from);
      else await decode(from, to);
    }
    if (flags & 1 && element > 1) unshuffle(source, target, element);
    else if (flags & 4 && target.length >= element) unshuffleBits(source, target, element);
    else target.set(source);
  }
  return out;
}

/** All first bytes of elements, then all second ones …; what is no whole element stays at the end. */
function unshuffle(source: Uint8Array, out: Uint8Array, element: number): void {
  const count = Math.floor(source.length / element);
  for (let byte = 0, at = 0; byte < element; byte++) {
    for (let to = byte, i = 0; i < count; i++, to += element) out[to] = source[at++]!;
  }
  out.set(source.subarray(count * element), count * element);
}

/** All lowest bits of the first bytes of elements, then their second ones …, for elements by the eight. */
function unshuffleBits(source: Uint8Array, out: Uint8Array, element: number): void {
  const count = Math.floor(source.length / element);
  if (count % 8 !== 0) return out.set(source);
  const row = count / 8;
  for (let byte = 0; byte < element; byte++) {
    for (let i = 0; i < count; i++) {
      let value = 0;
      for (let bit = 0; bit < 8; bit++) value |= ((source[(byte * 8 + bit) * row + (i >> 3)]! >> (i & 7)) & 1) << bit;
      out[i * element + byte] = value;
    }
  }
  out.set(source.subarray(count * element), count * element);
}
