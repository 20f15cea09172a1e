// Floats of eight bits, from and to float32. Rounding is to the nearest, ties to even, as PyTorch does it.

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
