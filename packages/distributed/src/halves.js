/** Float32 as 16 bits with a common power of two, and back. Plain JavaScript, as worker.js says. */

import { fromHalves, toHalves } from '@sympow/core';

/** @typedef {'float16' | 'bfloat16'} Half */

/**
 * @param {Half} format
 * @param {Float32Array} numbers
 * @param {Uint8Array} out where they go: 4 bytes of scale, then halves
 */
export function encode(format, numbers, out) {
  const halves = new Uint16Array(out.buffer, out.byteOffset + 4, numbers.length);
  const scale = format === 'float16' ? scaleOf(numbers) : 1;
  new Float32Array(out.buffer, out.byteOffset, 1)[0] = 1 / scale;
  if (format === 'bfloat16') upperHalves(numbers, halves);
  else halves.set(toHalves(format, scale === 1 ? numbers : numbers.map((x) => x * scale)));
}

/**
 * @param {Half} format
 * @param {Uint8Array} bytes what {@link encode} has written
 * @param {Float32Array} out where they are added, or written where `anew`
 * @param {boolean} anew
 */
export function decode(format, bytes, out, anew) {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset + 4, out.length);
  const scale = new Float32Array(bytes.buffer, bytes.byteOffset, 1)[0] ?? 1;
  if (format === 'bfloat16') return fromUpperHalves(halves, out, anew);
  const numbers = fromHalves(format, halves);
  for (let i = 0; i < out.length; i++) out[i] = (anew ? 0 : (out[i] ?? 0)) + scale * (numbers[i] ?? 0);
}

/** A power of two that takes the largest to between 2¹³ and 2¹⁴; 1 where it is not finite. @param {Float32Array} numbers */
function scaleOf(numbers) {
  let most = 0;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, Math.abs(numbers[i] ?? 0));
  return most > 0 && most < Infinity ? 2 ** Math.min(120, Math.max(-120, 13 - Math.floor(Math.log2(most)))) : 1;
}

/** What `toHalves` does, of float32 alone. @param {Float32Array} numbers @param {Uint16Array} out */
function upperHalves(numbers, out) {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  for (let i = 0; i < bits.length; i++) {
    const one = bits[i] ?? 0;
    out[i] = (one & 0x7fffffff) > 0x7f800000 ? (one >>> 16) | 0x40 : (one + 0x7fff + ((one >>> 16) & 1)) >>> 16;
  }
}

let scratch = new Uint32Array(0);

/** @param {Uint16Array} halves @param {Float32Array} out @param {boolean} anew */
function fromUpperHalves(halves, out, anew) {
  if (scratch.length < halves.length) scratch = new Uint32Array(halves.length);
  const bits = anew ? new Uint32Array(out.buffer, out.byteOffset, out.length) : scratch;
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] ?? 0) << 16;
  if (anew) return;
  const numbers = new Float32Array(scratch.buffer);
  for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + (numbers[i] ?? 0);
}
