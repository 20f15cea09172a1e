// The elements of a tensor in a file: which types there are, and how they become arrays of numbers and bytes again.
import { ConfigError, ShapeError } from '@sympow/embedding';
import { CheckpointError } from './errors';

/** Element types of safetensors that are read and written here. BF16 is the upper half of an F32. */
export type StoredDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'U16' | 'U32' | 'BOOL';

/** Bytes per element. The order is that of the file: types that need more alignment come first. */
export const STORED_BYTES: { readonly [T in StoredDType]: number } = {
  I64: 8,
  F64: 8,
  F32: 4,
  U32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  U16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Arrays that hold the elements of some stored type as they are. */
export type StorableArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** A tensor to be written. */
export interface TensorToStore {
  readonly shape: readonly number[];
  /**
   * The elements. A Uint8Array for a type of more than one byte, or a Uint16Array for F16 and BF16, is taken as the bits
   * themselves; floats are rounded to the float type asked for (to F16 and BF16 by way of float32, ties to even), and an
   * Int32Array may become I64.
   */
  readonly data: StorableArray;
  /** Type in the file; that of `data` unless said otherwise. */
  readonly dtype?: StoredDType;
}

type Numbers =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>;

/**
 * A tensor as it stands in a file: bytes, and the conversions a reader needs. Each conversion makes a new array.
 *
 * @example
 * ```ts
 * const tensor = new StoredTensor('w', 'BF16', [2], Uint8Array.of(0x80, 0x3f, 0x00, 0xc0));
 * tensor.toFloat32(); // 1, -2
 * ```
 */
export class StoredTensor {
  /**
   * @param name - for messages
   * @param shape - row-major, `[]` for a scalar
   * @param data - the elements in little-endian order, anywhere in a buffer
   * @throws ShapeError if the bytes are not those of the shape
   */
  constructor(
    readonly name: string,
    readonly dtype: StoredDType,
    readonly shape: readonly number[],
    readonly data: Uint8Array,
  ) {
    const expected = elementCount(shape) * STORED_BYTES[dtype];
    if (data.length !== expected) {
      const what = `bytes of ${JSON.stringify(name)}`;
      throw new ShapeError({ what, value: data.length, expected: `${expected} for ${dtype} [${shape.join(', ')}]` });
    }
  }

  /**
   * The elements as float32; F64, I64, I32 and U32 are rounded.
   *
   * @throws CheckpointError if a BOOL is neither 0 nor 1
   */
  toFloat32(): Float32Array {
    const numbers = this.numbers();
    return numbers instanceof Float32Array ? numbers : new Float32Array(numbers);
  }

  /**
   * The elements as float64; I64 beyond 2⁵³ is rounded.
   *
   * @throws CheckpointError if a BOOL is neither 0 nor 1
   */
  toFloat64(): Float64Array {
    const numbers = this.numbers();
    return numbers instanceof Float64Array ? numbers : new Float64Array(numbers);
  }

  /**
   * The elements as int32, exactly.
   *
   * @throws CheckpointError if they are floats, one is out of range, or a BOOL is neither 0 nor 1
   */
  toInt32(): Int32Array {
    if (this.dtype === 'F64' || this.dtype === 'F32' || this.dtype === 'F16' || this.dtype === 'BF16') {
      throw this.error('type of', this.dtype, 'integers');
    }
    const numbers = this.numbers();
    if (numbers instanceof Int32Array) return numbers;
    const outside = numbers.findIndex((value) => value !== (value | 0));
    if (outside >= 0) throw this.error(`element ${outside} of`, numbers[outside], 'a number of 32 bits with sign');
    return new Int32Array(numbers);
  }

  /** The elements in the smallest array of numbers that holds them; I64 in doubles. */
  private numbers(): Numbers {
    const bytes = inHostOrder(this.data.slice(), this.dtype === 'I64' ? 4 : STORED_BYTES[this.dtype]);
    const buffer = bytes.buffer as ArrayBuffer;
    switch (this.dtype) {
      case 'F64':
        return new Float64Array(buffer);
      case 'F32':
        return new Float32Array(buffer);
      case 'F16':
        return fromFloat16(new Uint16Array(buffer));
      case 'BF16':
        return fromBfloat16(new Uint16Array(buffer));
      case 'I64':
        return fromInt64(new Int32Array(buffer));
      case 'I32':
        return new Int32Array(buffer);
      case 'I16':
        return new Int16Array(buffer);
      case 'I8':
        return new Int8Array(buffer);
      case 'U8':
        return new Uint8Array(buffer);
      case 'U16':
        return new Uint16Array(buffer);
      case 'U32':
        return new Uint32Array(buffer);
      case 'BOOL': {
        const truths = new Uint8Array(buffer);
        const odd = truths.findIndex((value) => value > 1);
        if (odd >= 0) throw this.error(`element ${odd} of`, truths[odd], 'a BOOL, 0 or 1');
        return truths;
      }
    }
  }

  private error(what: string, value: unknown, expected: string): CheckpointError {
    return new CheckpointError({ what: `${what} tensor ${JSON.stringify(this.name)}`, value, expected });
  }
}

/** The product of a shape; 0 where an axis is empty, however large the others are. */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((count, length) => count * length, 1);
}

/** The type that an array has in a file when nobody says otherwise. */
export function storedDType(data: StorableArray): StoredDType {
  for (const [dtype, Kind] of NATIVE) if (data instanceof Kind) return dtype;
  throw new ConfigError({ what: 'data of a tensor', value: data, expected: 'a typed array' });
}

/**
 * How the little-endian bytes of a tensor are made, when they are needed: as a view where the array holds them already,
 * else as a new array.
 *
 * @throws ShapeError if the array does not have the length of the shape
 * @throws ConfigError if its elements cannot become the type asked for
 */
export function encoderOf({ shape, data, dtype = storedDType(data) }: TensorToStore): () => Uint8Array {
  const width = data instanceof Uint8Array ? STORED_BYTES[dtype] : 1;
  if (data.length !== elementCount(shape) * width) {
    const expected = `${elementCount(shape) * width} for ${dtype} [${shape.join(', ')}]`;
    throw new ShapeError({ what: `length of ${data.constructor.name}`, value: data.length, expected });
  }
  if (data instanceof Uint8Array) return () => data;
  if (storedDType(data) === (dtype === 'F16' || dtype === 'BF16' ? 'U16' : dtype)) return () => littleEndian(data);
  if (data instanceof Float32Array || data instanceof Float64Array) {
    if (dtype === 'F64') return () => littleEndian(new Float64Array(data));
    if (dtype === 'F32') return () => littleEndian(new Float32Array(data));
    if (dtype === 'F16') return () => littleEndian(toFloat16(new Float32Array(data)));
    if (dtype === 'BF16') return () => littleEndian(toBfloat16(new Float32Array(data)));
  }
  if (data instanceof Int32Array && dtype === 'I64') return () => littleEndian(BigInt64Array.from(data, BigInt));
  const expected = `a type that the elements of ${data.constructor.name} can become`;
  throw new ConfigError({ what: 'dtype', value: dtype, expected, remedy: 'Convert the elements first.' });
}

const NATIVE = [
  ['F32', Float32Array],
  ['F64', Float64Array],
  ['I32', Int32Array],
  ['I64', BigInt64Array],
  ['I16', Int16Array],
  ['I8', Int8Array],
  ['U8', Uint8Array],
  ['U16', Uint16Array],
  ['U32', Uint32Array],
] as const;

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Between little-endian order and that of this machine, in place; the same both ways. */
function inHostOrder(bytes: Uint8Array, width: number): Uint8Array {
  if (HOST_IS_LITTLE_ENDIAN) return bytes;
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return bytes;
}

function littleEndian(data: StorableArray): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return HOST_IS_LITTLE_ENDIAN ? bytes : inHostOrder(bytes.slice(), data.BYTES_PER_ELEMENT);
}

/** From pairs of words, the lower first. */
function fromInt64(words: Int32Array): Float64Array<ArrayBuffer> {
  const values = new Float64Array(words.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = words[2 * i + 1]! * 2 ** 32 + (words[2 * i]! >>> 0);
  return values;
}

function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

function toBfloat16(values: Float32Array): Uint16Array {
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
function fromFloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
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

function toFloat16(values: Float32Array): Uint16Array {
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
