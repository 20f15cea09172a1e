// Floats of 16 bits, as bits, from and to numbers. Rounding is to the nearest, ties to even, whatever a number is rounded from.

/** `float16`: 5 bits of exponent, 10 of mantissa, at most 65,504. `bfloat16`: the upper half of a float32. */
export type HalfType = 'float16' | 'bfloat16';

/** Arrays on memory that is not shared, written so that TypeScript before 5.7 reads it too, to which all memory is one. */
type Floats = ReturnType<typeof Float32Array.of>;
type Bits = ReturnType<typeof Uint16Array.of>;

const number = /* @__PURE__ */ new Float32Array(1);
const numberBits = /* @__PURE__ */ new Uint32Array(number.buffer);

/**
 * What `bits` mean.
 *
 * @example
 * ```ts
 * import { fromHalves, toHalves } from '@sympow/core';
 * const bits = toHalves('float16', [1, 1 / 3, 1e6]); // Uint16Array [0x3c00, 0x3555, 0x7c00]
 * fromHalves('float16', bits); // Float32Array [1, 0.333251953125, Infinity]
 * ```
 */
export function fromHalves(type: HalfType, bits: Uint16Array): Floats {
  const out = new Float32Array(bits.length);
  if (type === 'bfloat16') {
    for (let i = 0; i < bits.length; i++) {
      numberBits[0] = bits[i]! << 16;
      out[i] = number[0]!;
    }
    return out;
  }
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const exponent = half & 0x7c00;
    if (exponent === 0) {
      out[i] = (half & 0x8000 ? -1 : 1) * (half & 0x3ff) * 2 ** -24;
      continue;
    }
    // The exponent is that of float32 less 112, but for infinity and NaN.
    const rest = ((half & 0x7fff) << 13) + ((exponent === 0x7c00 ? 224 : 112) << 23);
    numberBits[0] = ((half & 0x8000) << 16) | rest;
    out[i] = number[0]!;
  }
  return out;
}

/** The nearest of each value, as bits; what is too large becomes infinity. */
export function toHalves(type: HalfType, values: ArrayLike<number>, out: Bits = new Uint16Array(values.length)): Bits {
  const round = type === 'bfloat16' ? roundBfloat16 : roundFloat16;
  for (let i = 0; i < values.length; i++) out[i] = round(floatBits(values[i]!));
  return out;
}

/** Bits of the float32 that is rounded as `x` would be: where it is not `x` itself its last bit is 1, so that it is no tie. */
function floatBits(x: number): number {
  number[0] = x;
  const near = number[0];
  if (near !== x && Number.isFinite(near)) {
    if (Math.abs(near) > Math.abs(x)) numberBits[0] = numberBits[0]! - 1;
    numberBits[0] = numberBits[0]! | 1;
  }
  return numberBits[0]!;
}

function roundBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function roundFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  // From 65,520 on infinity is nearest.
  if (size >= 0x477ff000) return sign | 0x7c00;
  if (size >= 0x38800000) return sign | ((size - (112 << 23) + 0xfff + ((size >>> 13) & 1)) >>> 13);
  // Below 2⁻¹⁴ the steps are 2⁻²⁴.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const mantissa = (size & 0x7fffff) | 0x800000;
  const [whole, rest, tie] = [mantissa >>> shift, mantissa & (2 ** shift - 1), 2 ** (shift - 1)];
  return sign | (whole + (rest > tie || (rest === tie && whole % 2 === 1) ? 1 : 0));
}
