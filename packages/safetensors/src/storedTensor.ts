// The elements of a tensor in a file, and how they become arrays of numbers and bytes again.
import { ConfigError, fromHalves, isTypedArray, ShapeError, toHalves, typedArrayKind } from '@sympow/core';
import type { StorableArray, TensorToStore } from './api';
import { elementCount, isWhole, STORED_BYTES, type StoredDType } from './dtypes';
import { FormatError } from './errors';
import { float8e4m3, float8e5m2, float8e8m0, fromFloat8, toFloat8 } from './smallFloats';

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
   * The elements as float32; F64 and integers of 32 and 64 bits are rounded.
   *
   * @throws FormatError if they are complex, or a BOOL is neither 0 nor 1
   */
  toFloat32(): Float32Array {
    const numbers = this.numbers();
    return numbers instanceof Float32Array ? numbers : new Float32Array(numbers);
  }

  /**
   * The elements as float64; integers beyond 2⁵³ are rounded.
   *
   * @throws FormatError if they are complex, or a BOOL is neither 0 nor 1
   */
  toFloat64(): Float64Array {
    const numbers = this.numbers();
    return numbers instanceof Float64Array ? numbers : new Float64Array(numbers);
  }

  /**
   * The elements as int32, exactly.
   *
   * @throws FormatError if they are floats or complex, one is out of range, or a BOOL is neither 0 nor 1
   */
  toInt32(): Int32Array {
    if (!isWhole(this.dtype)) throw this.error('type of', this.dtype, 'integers');
    const numbers = this.numbers();
    if (numbers instanceof Int32Array) return numbers;
    const outside = numbers.findIndex((value) => value !== (value | 0));
    if (outside >= 0) throw this.error(`element ${outside} of`, numbers[outside], 'a number of 32 bits with sign');
    return new Int32Array(numbers);
  }

  /** The elements in the smallest array of numbers that holds them; I64 and U64 in doubles. */
  private numbers(): Numbers {
    const bytes = inHostOrder(
      new Uint8Array(this.data),
      /64$/.test(this.dtype) && isWhole(this.dtype) ? 4 : STORED_BYTES[this.dtype],
    );
    const buffer = bytes.buffer as ArrayBuffer;
    switch (this.dtype) {
      case 'F64':
        return new Float64Array(buffer);
      case 'F32':
        return new Float32Array(buffer);
      case 'F16':
        return fromHalves('float16', new Uint16Array(buffer));
      case 'BF16':
        return fromHalves('bfloat16', new Uint16Array(buffer));
      case 'F8_E4M3':
        return fromFloat8(float8e4m3, bytes);
      case 'F8_E5M2':
        return fromFloat8(float8e5m2, bytes);
      case 'F8_E8M0':
        return fromFloat8(float8e8m0, bytes);
      case 'C64':
        throw this.error('type of', this.dtype, 'real numbers');
      case 'I64':
        return fromInt64(new Uint32Array(buffer), (word) => word | 0);
      case 'U64':
        return fromInt64(new Uint32Array(buffer), (word) => word);
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

  private error(what: string, value: unknown, expected: string): FormatError {
    return new FormatError({ what: `${what} tensor ${JSON.stringify(this.name)}`, value, expected });
  }
}

/** The type that an array has in a file when nobody says otherwise. */
export function storedDType(data: StorableArray): StoredDType {
  const kind = typedArrayKind(data);
  for (const [dtype, of] of NATIVE) if (kind === of) return dtype;
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
  const width = isTypedArray(data, 'Uint8Array') ? STORED_BYTES[dtype] : 1;
  if (data.length !== elementCount(shape) * width) {
    const expected = `${elementCount(shape) * width} for ${dtype} [${shape.join(', ')}]`;
    throw new ShapeError({ what: `length of ${typedArrayKind(data)}`, value: data.length, expected });
  }
  if (isTypedArray(data, 'Uint8Array')) return () => data;
  if (storedDType(data) === (dtype === 'F16' || dtype === 'BF16' ? 'U16' : dtype)) return () => littleEndian(data);
  if (isTypedArray(data, 'Float32Array', 'Float64Array')) {
    if (dtype === 'F64') return () => littleEndian(new Float64Array(data));
    if (dtype === 'F32') return () => littleEndian(new Float32Array(data));
    if (dtype === 'F16') return () => littleEndian(toHalves('float16', data));
    if (dtype === 'BF16') return () => littleEndian(toHalves('bfloat16', data));
    if (dtype === 'F8_E4M3') return () => toFloat8(float8e4m3, new Float32Array(data));
    if (dtype === 'F8_E5M2') return () => toFloat8(float8e5m2, new Float32Array(data));
    if (dtype === 'F8_E8M0') return () => toFloat8(float8e8m0, new Float32Array(data));
  }
  if (isTypedArray(data, 'Int32Array') && dtype === 'I64') return () => littleEndian(BigInt64Array.from(data, BigInt));
  const expected = `a type that the elements of ${typedArrayKind(data)} can become`;
  throw new ConfigError({ what: 'dtype', value: dtype, expected, remedy: 'Convert the elements first.' });
}

const NATIVE = [
  ['F32', 'Float32Array'],
  ['F64', 'Float64Array'],
  ['I32', 'Int32Array'],
  ['I64', 'BigInt64Array'],
  ['U64', 'BigUint64Array'],
  ['I16', 'Int16Array'],
  ['I8', 'Int8Array'],
  ['U8', 'Uint8Array'],
  ['U16', 'Uint16Array'],
  ['U32', 'Uint32Array'],
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

/** From pairs of words, the lower first; `upper` says what the upper one counts. */
function fromInt64(words: Uint32Array, upper: (word: number) => number): Float64Array<ArrayBuffer> {
  const values = new Float64Array(words.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = upper(words[2 * i + 1]!) * 2 ** 32 + words[2 * i]!;
  return values;
}
