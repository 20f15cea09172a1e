// Floats of fewer than 32 bits, as bits, from and to float32. Rounding is to the nearest, ties to even, as PyTorch does it.

/** BF16 is the upper half of a float32. */
export function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

export function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const isNaN = (b & 0x7fffffff) > 0x7f800000;
    halves[i] = isNaN ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** Half precision: 1 bit of sign, 5 of exponent, 10 of mantissa. Its exponent is that of float32 less 112. */
export function fromFloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const exponent = half & 0x7c00;
    const sign = (half & 0x8000) << 16;
    if (exponent === 0) values[i] = (half & 0x8000 ? -1 : 1) * (half & 0x3ff) * 2 ** -24;
    else if (exponent === 0x7c00) bits[i] = sign | 0x7f800000 | ((half & 0x3ff) << 13);
    else bits[i] = sign | (((half & 0x7fff) << 13) + (112 << 23));
  }
  return values;
}

export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const subnormal = new Float32Array(1);
  const subnormalBits = new Uint32Array(subnormal.buffer);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const size = bits[i]! & 0x7fffffff;
    // Below 2⁻¹⁴ the steps are 2⁻²⁴, which is what float32 rounds to next to ½.
    subnormal[0] = Math.abs(values[i]!) + 0.5;
    if (size > 0x7f800000) halves[i] = sign | 0x7e00;
    else if (size >= 0x477ff000)
      halves[i] = sign | 0x7c00; // from 65520 on, infinity is nearest
    else if (size >= 0x38800000) halves[i] = sign | ((size - (112 << 23) + 0xfff + ((size >>> 13) & 1)) >>> 13);
    else halves[i] = sign | (subnormalBits[0]! - 0x3f000000);
  }
  return halves;
}

/** A float of eight bits: the value of each pattern, and how a value is rounded to one. */
export interface Float8 {
  /** By pattern, 0 to 255. */
  readonly values: Float32Array;
  /** Finite patterns without sign, from the smallest value on. */
  readonly finite: number;
  /** The pattern without sign of what is too large, and of NaN. */
  readonly overflow: number;
  readonly nan: number;
  readonly signed: boolean;
}

/** 4 bits of exponent, 3 of mantissa; no infinity, one NaN, at most 448. */
export const float8e4m3: Float8 = {
  values: /* @__PURE__ */ valuesOf(3, 7, (pattern) => (pattern === 0x7f ? NaN : undefined)),
  finite: 0x7f,
  overflow: 0x7f,
  nan: 0x7f,
  signed: true,
};

/** 5 bits of exponent, 2 of mantissa, infinities and NaN as in IEEE 754; at most 57,344. */
export const float8e5m2: Float8 = {
  values: /* @__PURE__ */ valuesOf(2, 15, (pattern) =>
    pattern < 0x7c ? undefined : pattern === 0x7c ? Infinity : NaN,
  ),
  finite: 0x7c,
  overflow: 0x7c,
  nan: 0x7f,
  signed: true,
};

/** 8 bits of exponent and nothing else, a power of two from 2⁻¹²⁷ to 2¹²⁷: the scale of a block. */
export const float8e8m0: Float8 = {
  values: /* @__PURE__ */ Float32Array.from({ length: 256 }, (_, pattern) =>
    pattern === 0xff ? NaN : 2 ** (pattern - 127),
  ),
  finite: 0xff,
  overflow: 0xff,
  nan: 0xff,
  signed: false,
};

function valuesOf(mantissaBits: number, bias: number, special: (pattern: number) => number | undefined): Float32Array {
  return Float32Array.from({ length: 256 }, (_, bits) => {
    const pattern = bits & 0x7f;
    const exponent = pattern >> mantissaBits;
    const mantissa = (pattern & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
    const size = exponent === 0 ? mantissa * 2 ** (1 - bias) : (1 + mantissa) * 2 ** (exponent - bias);
    return (bits & 0x80 ? -1 : 1) * (special(pattern) ?? size);
  });
}

export function fromFloat8({ values }: Float8, patterns: Uint8Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(patterns, (pattern) => values[pattern]!);
}

/** What is too large becomes infinity where there is one and NaN elsewhere. */
export function toFloat8(type: Float8, numbers: Float32Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(numbers, (value) => {
    if (!type.signed && !(value >= 0)) return type.nan;
    const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0;
    return (type.signed ? sign : 0) | nearest(type, Math.abs(value));
  });
}

/** The pattern whose value is nearest, the even one of two that are equally near. */
function nearest({ values, finite, overflow, nan }: Float8, size: number): number {
  if (Number.isNaN(size)) return nan;
  let [low, high] = [0, finite - 1];
  const largest = values[high]!;
  const step = largest - values[high - 1]!;
  // Half a step above the largest is a tie between it and what would follow, of which the latter is even or not.
  if (size >= largest + step / 2) return size === largest + step / 2 && high % 2 === 0 ? high : overflow;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle]! <= size) low = middle;
    else high = middle - 1;
  }
  if (low === finite - 1) return low;
  const [below, above] = [size - values[low]!, values[low + 1]! - size];
  return below < above || (below === above && low % 2 === 0) ? low : low + 1;
}
