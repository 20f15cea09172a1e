// A fast 128-bit hash of bytes that come in pieces: tells by 32 letters whether two files, texts or tensors hold the same.
// MurmurHash3_x86_128 with seed 0 (Appleby, public domain). It finds accidents, not forgeries: who wants to can make two
// contents of one hash.

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

const BLOCK = 16;
/** Bytes that are gathered before they are mixed: a multiple of a block. */
const BUFFER = 4096;

/**
 * The hash of contents that come piece by piece; where they are cut does not matter.
 *
 * @example
 * ```ts
 * import { ContentHash } from '@sympow/core';
 * const hash = new ContentHash();
 * for (const piece of ['to be ', 'or not']) hash.update(new TextEncoder().encode(piece));
 * console.log(hash.digest()); // '968e472cef138b4a6f29a2a2fb3ac203'
 * ```
 */
export class ContentHash {
  private readonly words = new Uint32Array(BUFFER / 4);
  private readonly bytes = new Uint8Array(this.words.buffer);
  private readonly state = new Int32Array(4);
  /** Bytes waiting in the buffer. */
  private held = 0;
  private length = 0;

  /** Takes the bytes of an array of any type, in the order of memory (little-endian on every engine there is). */
  update(data: ArrayBufferView): this {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length;) {
      const taken = Math.min(BUFFER - this.held, bytes.length - at);
      this.bytes.set(bytes.subarray(at, at + taken), this.held);
      this.held += taken;
      at += taken;
      if (this.held === BUFFER) {
        mix(this.state, this.words, BUFFER / BLOCK);
        this.held = 0;
      }
    }
    this.length += bytes.length;
    return this;
  }

  /** The hash of all bytes so far, as 32 hexadecimal digits. More bytes may follow. */
  digest(): string {
    const state = this.state.slice();
    const blocks = Math.floor(this.held / BLOCK);
    mix(state, this.words, blocks);
    mixTail(state, this.bytes.subarray(blocks * BLOCK, this.held));
    finish(state, this.length);
    return [...new Uint32Array(state.buffer)].map((word) => word.toString(16).padStart(8, '0')).join('');
  }
}

/** {@link ContentHash} of contents that are there at once. */
export function contentHash(data: ArrayBufferView): string {
  return new ContentHash().update(data).digest();
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function mix(state: Int32Array, words: Uint32Array, blocks: number): void {
  let [h1, h2, h3, h4] = state as unknown as [number, number, number, number];
  for (let i = 0; i < blocks * 4; i += 4) {
    h1 ^= Math.imul(rotate(Math.imul(words[i]!, C1), 15), C2);
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotate(Math.imul(words[i + 1]!, C2), 16), C3);
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotate(Math.imul(words[i + 2]!, C3), 17), C4);
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotate(Math.imul(words[i + 3]!, C4), 18), C1);
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  state.set([h1, h2, h3, h4]);
}

/** The last bytes, fewer than a block; words that they do not reach stay out. */
function mixTail(state: Int32Array, bytes: Uint8Array): void {
  const tail = new Uint8Array(BLOCK);
  tail.set(bytes);
  const [k1, k2, k3, k4] = new Uint32Array(tail.buffer) as unknown as [number, number, number, number];
  if (bytes.length > 12) state[3]! ^= Math.imul(rotate(Math.imul(k4, C4), 18), C1);
  if (bytes.length > 8) state[2]! ^= Math.imul(rotate(Math.imul(k3, C3), 17), C4);
  if (bytes.length > 4) state[1]! ^= Math.imul(rotate(Math.imul(k2, C2), 16), C3);
  if (bytes.length > 0) state[0]! ^= Math.imul(rotate(Math.imul(k1, C1), 15), C2);
}

function finish(state: Int32Array, length: number): void {
  const spread = () => {
    state[0]! += state[1]! + state[2]! + state[3]!;
    for (let i = 1; i < 4; i++) state[i]! += state[0]!;
  };
  for (let i = 0; i < 4; i++) state[i]! ^= length;
  spread();
  for (let i = 0; i < 4; i++) {
    let h = state[i]!;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    state[i] = h ^ (h >>> 16);
  }
  spread();
}
