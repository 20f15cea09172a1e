// gzip and zlib, as every runtime decodes them.
import { Damage, type Room } from './damage';

/** Deflate makes at most so many bytes of one. */
const GROWTH = 1032;

/** Inflates as far as there is room. Fed in pieces that cannot grow beyond it, as some runtimes inflate all they are given. */
export async function inflate(
  bytes: Uint8Array,
  format: CompressionFormat,
  { least, most }: Room,
): Promise<Uint8Array> {
  const piece = Math.min(Math.max(Math.floor(most / GROWTH), 256), 2 ** 16);
  let at = 0;
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at === bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, (at += Math.min(piece, bytes.length - at))));
    },
  });
  const out = new Uint8Array(most);
  let size = 0;
  const reader = pieces.pipeThrough(new DecompressionStream(format)).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (size + next.value.length > most) throw new Damage(`it holds more than ${most} bytes`);
      out.set(next.value, size);
      size += next.value.length;
    }
  } catch (error) {
    // Whether the rest can be given up does not matter any more.
    reader.cancel().catch(() => undefined);
    if (error instanceof Damage) throw error;
    throw new Damage(`it is no ${format === 'gzip' ? 'gzip' : 'zlib'}`);
  }
  if (size < least) throw new Damage(`it holds ${size} bytes, not ${least}`);
  return size === most ? out : out.slice(0, size);
}
