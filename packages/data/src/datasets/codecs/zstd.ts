// Zstandard, decoded by numcodecs. That grows its output for as long as there is input, unless it is handed one whole frame that
// says how much it holds; so it is handed nothing else.
//
// RFC 8878, section 3.1.1
import { Damage, requireRoom, type Room } from './damage';

const MAGIC = 0xfd2fb528;

/** Decodes one frame, whose content is then neither more nor less than its header says. */
export async function zstd(bytes: Uint8Array, room: Room): Promise<Uint8Array> {
  const { body, content, checksum } = headerOf(bytes);
  requireWhole(bytes, body, checksum);
  if (content === undefined && room.least < room.most)
    throw new Damage('its Zstandard frame does not say how much it holds');
  const size = content ?? room.most;
  requireRoom(size, room);
  // A header of our own says the size where that one did not, and that the window is no larger than the content.
  const frame = new Uint8Array(9 + bytes.length - body);
  const view = new DataView(frame.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, (2 << 6) | (1 << 5) | (checksum ? 1 << 2 : 0));
  view.setUint32(5, size, true);
  frame.set(bytes.subarray(body), 9);
  const { default: Zstd } = await import('numcodecs/zstd');
  try {
    return await Zstd.fromConfig({ id: 'zstd' }).decode(frame);
  } catch (cause) {
    throw new Damage(`its Zstandard is damaged (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

interface Header {
  /** Where the blocks begin. */
  readonly body: number;
  /** Bytes that the frame says it holds, if it says so. */
  readonly content: number | undefined;
  /** Whether a checksum stands at the end. */
  readonly checksum: boolean;
}

function headerOf(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC) throw new Damage('it is no Zstandard frame');
  const descriptor = bytes[4]!;
  const single = (descriptor >> 5) & 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const width = [single, 2, 4, 8][descriptor >> 6]!;
  const at = 5 + (single ? 0 : 1) + dictionary;
  if (at + width > bytes.length) throw new Damage('its Zstandard is cut off');
  if (dictionary > 0) throw new Damage('its Zstandard frame needs a dictionary');
  const sizes: Record<number, () => number> = {
    1: () => view.getUint8(at),
    2: () => view.getUint16(at, true) + 256,
    4: () => view.getUint32(at, true),
    8: () => Number(view.getBigUint64(at, true)),
  };
  return { body: at + width, content: sizes[width]?.(), checksum: (descriptor & 4) !== 0 };
}

/** Goes from block to block. @throws Damage unless the frame ends where the bytes do */
function requireWhole(bytes: Uint8Array, body: number, checksum: boolean): void {
  let at = body;
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) throw new Damage('its Zstandard is cut off');
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === 3) throw new Damage('its Zstandard is damaged (a block of no kind)');
    // A block of one byte, repeated, is one byte long.
    at += 3 + (type === 1 ? 1 : header >> 3);
  }
  if (checksum) at += 4;
  if (at > bytes.length) throw new Damage('its Zstandard is cut off');
  if (at < bytes.length) throw new Damage(`${bytes.length - at} bytes stand behind its Zstandard frame`);
}
