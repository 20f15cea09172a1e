/** Element types: their sizes, which are halves, and numbers as a device stores them. */

import { ConfigError, fromHalves, isTypedArray, ShapeError, toHalves, type HalfType } from '@sympow/core';
import type { DType, Elements, TypedArray } from './tensor';

/** Bytes of one element. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int32: 4,
};

/** Whether elements have 16 bits: then they are stored as bits, and computed with as float32. */
export function isHalf(dtype: DType): dtype is HalfType {
  return dtype === 'float16' || dtype === 'bfloat16';
}

/** What a device stores for elements of one type. */
export type Stored = TypedArray | Uint16Array;

const arrayOf = { float64: Float64Array, float32: Float32Array, int32: Int32Array } as const;

/** Where elements of a type lie in memory. */
export function storedView(dtype: DType, buffer: ArrayBufferLike, offset: number, size: number): Stored {
  return isHalf(dtype)
    ? new Uint16Array(buffer, offset, size)
    : new arrayOf[dtype](buffer as ArrayBuffer, offset, size);
}

/** Overwrites `target`, which holds elements of type `dtype`. @throws ConfigError for bits where there are no halves */
export function putElements(dtype: DType, target: Stored, data: Elements): void {
  const bits = isTypedArray(data, 'Uint16Array');
  if (bits && !isHalf(dtype)) {
    throw new ConfigError({
      what: 'elements',
      value: 'a Uint16Array',
      expected: `numbers for ${dtype}`,
      remedy: 'Bits fill tensors of float16 and bfloat16.',
    });
  }
  if (isHalf(dtype) && !bits) toHalves(dtype, data, target as Uint16Array<ArrayBuffer>);
  else target.set(data);
}

/** The elements as a device stores them: `data` itself where it is that already. @throws ConfigError as {@link putElements} */
export function storedElements(dtype: DType, data: Elements): Stored {
  const kind = isHalf(dtype) ? 'Uint16Array' : arrayOf[dtype].name;
  if (isTypedArray(data, kind as 'Uint16Array')) return data;
  const stored = storedView(dtype, new ArrayBuffer(data.length * bytesPerElement[dtype]), 0, data.length);
  putElements(dtype, stored, data);
  return stored;
}

/** A copy of the numbers that `stored` stands for: in `into`, where it is given. @throws ShapeError if it does not hold as many */
export function readElements(dtype: DType, stored: Stored, into?: TypedArray): TypedArray {
  if (!into) return isHalf(dtype) ? fromHalves(dtype, stored as Uint16Array) : (stored as TypedArray).slice();
  if (into.length !== stored.length) {
    throw new ShapeError({ what: 'an array to read into', value: into.length, expected: `${stored.length} numbers` });
  }
  into.set(isHalf(dtype) ? fromHalves(dtype, stored as Uint16Array) : stored);
  return into;
}
