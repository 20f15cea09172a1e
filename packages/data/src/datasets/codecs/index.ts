// The codecs of chunks that take bytes and give bytes. Each says beforehand how much it can make: nothing decodes to more than an
// array declares, whatever codecs stand behind each other.
import { withoutChecksum } from '../../crc32c';
import { blosc } from './blosc';
import { Damage, type Room } from './damage';
import { inflate } from './inflate';
import { lz4 } from './lz4';
import { zstd } from './zstd';

interface ByteCodec {
  /** How much it makes of bytes, when encoding. */
  readonly encoded: (room: Room) => Room;
  readonly decode: (bytes: Uint8Array, room: Room) => Uint8Array | Promise<Uint8Array>;
}

/** No compressor makes more of what it cannot compress. */
const compressed = ({ most }: Room): Room => ({ least: 0, most: most + Math.ceil(most / 8) + 2 ** 16 });

const codecs: Readonly<Record<string, ByteCodec>> = {
  blosc: { encoded: compressed, decode: blosc },
  lz4: { encoded: compressed, decode: lz4 },
  zstd: { encoded: compressed, decode: zstd },
  gzip: { encoded: compressed, decode: (bytes, room) => inflate(bytes, 'gzip', room) },
  zlib: { encoded: compressed, decode: (bytes, room) => inflate(bytes, 'deflate', room) },
  crc32c: {
    encoded: ({ least, most }) => ({ least: least + 4, most: most + 4 }),
    decode(bytes) {
      const rest = withoutChecksum(bytes);
      if (rest) return rest;
      throw new Damage('its checksum is wrong');
    },
  },
};

/** Names of the codecs that are there. */
export const byteCodecs: readonly string[] = Object.keys(codecs);

/** Codecs one behind the other. */
export interface CodecChain {
  /** Most bytes that a chunk can have when it is stored. */
  readonly most: number;
  /** @throws Damage unless the bytes decode to the size that a chunk has */
  decode(bytes: Uint8Array): Promise<Uint8Array>;
}

/**
 * Codecs in the order in which they encode.
 *
 * @param names - of {@link byteCodecs}
 * @param size - bytes that they decode to
 */
export function codecChain(names: readonly string[], size: number): CodecChain {
  const rooms: Room[] = [{ least: size, most: size }];
  for (const name of names) rooms.push(codecs[name]!.encoded(rooms.at(-1)));
  return {
    most: rooms.at(-1).most,
    async decode(bytes) {
      let now = bytes;
      for (let i = names.length - 1; i >= 0; i--) now = await codecs[names[i]!]!.decode(now, rooms[i]!);
      if (now.length !== size) throw new Damage(`it has ${now.length} bytes, not ${size}`);
      return now;
    },
  };
}
