import { runInNewContext, runInThisContext } from 'node:vm';
import { ConfigError, ShapeError } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import type { StorableArray } from './api';
import type { StoredDType } from './dtypes';
import { FormatError } from './errors';
import { encoderOf, StoredTensor } from './storedTensor';

/** Writes an array and reads it back. */
function stored(data: StorableArray, dtype?: StoredDType): StoredTensor {
  const bytes = encoderOf({ shape: [data.length], data, dtype })();
  const names = { Float32Array: 'F32', Float64Array: 'F64', Int32Array: 'I32', BigInt64Array: 'I64' } as const;
  return new StoredTensor('x', dtype ?? names[data.constructor.name as keyof typeof names], [data.length], bytes);
}

it('arrays of another realm are stored as their own kind', () => {
  const foreign = (code: string) => runInNewContext(code) as StorableArray;
  const bytes = (data: StorableArray, dtype?: StoredDType) => encoderOf({ shape: [2], data, dtype })();
  for (const kind of ['Float32Array', 'Float64Array', 'Int32Array', 'Int16Array', 'Uint32Array']) {
    expect(bytes(foreign(`${kind}.of(1, 2)`))).toEqual(bytes(runInThisContext(`${kind}.of(1, 2)`) as StorableArray));
  }
  expect(bytes(foreign('Float32Array.of(1, 2)'), 'BF16')).toEqual(bytes(Float32Array.of(1, 2), 'BF16'));
  expect(bytes(foreign('Int32Array.of(1, -2)'), 'I64')).toEqual(bytes(Int32Array.of(1, -2), 'I64'));
  expect([...bytes(foreign('Uint8Array.of(1, 0, 2, 0)'), 'I16')]).toEqual([1, 0, 2, 0]);
});

describe('half precision', () => {
  it('has the values of IEEE 754', () => {
    const bits = Uint16Array.of(0, 0x8000, 0x3c00, 0xc000, 1, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00);
    const values = [0, -0, 1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, Infinity, -Infinity];
    expect([...stored(bits, 'F16').toFloat32()]).toEqual(values);
    expect(stored(Uint16Array.of(0x7e00), 'F16').toFloat64()).toEqual(Float64Array.of(NaN));
  });

  it('every one of its 65,536 patterns survives', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const values = stored(all, 'F16').toFloat32();
    const again = new Uint16Array(encoderOf({ shape: [65_536], data: values, dtype: 'F16' })().buffer);
    const isNaN = (half: number) => (half & 0x7fff) > 0x7c00;
    expect(all.every((half, i) => (isNaN(half) ? isNaN(again[i]!) : half === again[i]))).toBe(true);
  });

  it('rounds to the nearest, ties to even', () => {
    const step = 2 ** -10;
    const values = [1 + step / 2, 1 + 1.5 * step, 1 + step * 0.51, 65519.99, 65520, 2 ** -25, 2 ** -25 * 1.01, -1.5e-7];
    const expected = [1, 1 + 2 * step, 1 + step, 65504, Infinity, 0, 2 ** -24, -(2 ** -24) * 3];
    expect([...stored(Float32Array.from(values), 'F16').toFloat32()]).toEqual(expected);
  });
});

describe('bfloat16', () => {
  it('every one of its 65,536 patterns survives', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const values = stored(all, 'BF16').toFloat32();
    const again = new Uint16Array(encoderOf({ shape: [65_536], data: values, dtype: 'BF16' })().buffer);
    const isNaN = (half: number) => (half & 0x7fff) > 0x7f80;
    expect(all.every((half, i) => (isNaN(half) ? isNaN(again[i]!) : half === again[i]))).toBe(true);
  });

  it('rounds to the nearest, ties to even, and keeps NaN', () => {
    const step = 2 ** -7;
    const values = Float64Array.of(1 + step / 2, 1 + 1.5 * step, -1 - 0.51 * step, 3.4e38, NaN);
    const expected = [1, 1 + 2 * step, -1 - step, Infinity, NaN];
    expect([...stored(values, 'BF16').toFloat64()]).toEqual(expected);
    // A NaN whose payload lies in the lower half only.
    const faint = new Float32Array(Uint32Array.of(0x7f800001).buffer);
    expect(stored(faint, 'BF16').toFloat32()[0]).toBeNaN();
  });
});

describe('floats of eight bits', () => {
  const types = ['F8_E4M3', 'F8_E5M2', 'F8_E8M0'] as const;

  it.each(types)('every pattern of %s survives', (dtype) => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const values = stored(all, dtype).toFloat32();
    const again = encoderOf({ shape: [256], data: values, dtype })();
    for (const [pattern, value] of values.entries()) {
      if (Number.isNaN(value)) expect(stored(again.subarray(pattern, pattern + 1), dtype).toFloat32()[0]).toBeNaN();
      else expect(again[pattern]).toBe(pattern);
    }
  });

  it('have the values of their definitions', () => {
    const of = (dtype: (typeof types)[number], ...patterns: number[]) => [
      ...stored(Uint8Array.from(patterns), dtype).toFloat32(),
    ];
    expect(of('F8_E4M3', 0, 1, 7, 8, 0x38, 0x7e, 0x7f, 0xb8)).toEqual([
      0,
      2 ** -9,
      7 * 2 ** -9,
      2 ** -6,
      1,
      448,
      NaN,
      -1,
    ]);
    expect(of('F8_E5M2', 1, 4, 0x3c, 0x7b, 0x7c, 0x7d, 0xfc)).toEqual([
      2 ** -16,
      2 ** -14,
      1,
      57_344,
      Infinity,
      NaN,
      -Infinity,
    ]);
    expect(of('F8_E8M0', 0, 127, 254, 255)).toEqual([2 ** -127, 1, 2 ** 127, NaN]);
  });

  it('round to the nearest, ties to even; beyond the largest comes infinity, or NaN where there is none', () => {
    const to = (dtype: StoredDType, ...values: number[]) => [...stored(Float32Array.from(values), dtype).toFloat32()];
    const e4m3 = [1 + 1 / 16, 1 + 3 / 16, 1.07, 464, 465, -1e30, 2 ** -10, 2 ** -10 * 1.01];
    expect(to('F8_E4M3', ...e4m3)).toEqual([1, 1.25, 1.125, 448, NaN, NaN, 0, 2 ** -9]);
    expect(to('F8_E5M2', 1.125, 1.375, 61_439, 61_440, -1e9)).toEqual([1, 1.5, 57_344, Infinity, -Infinity]);
    expect(to('F8_E8M0', 1.4, 1.6, 0, -1, 3e38)).toEqual([1, 2, 2 ** -127, NaN, NaN]);
  });
});

describe('conversions', () => {
  it('make new arrays, from any offset', () => {
    const file = new Uint8Array(13);
    file.set(new Uint8Array(Float64Array.of(Math.PI).buffer), 5);
    const tensor = new StoredTensor('pi', 'F64', [], file.subarray(5));
    const values = tensor.toFloat64();
    expect(values[0]).toBe(Math.PI);
    values[0] = 0;
    expect(tensor.toFloat64()[0]).toBe(Math.PI);
    expect(tensor.toFloat32()[0]).toBe(Math.fround(Math.PI));
  });

  it('copy the bytes of a Buffer of Node too, whose own slice is a view of a larger one', () => {
    const pool = Buffer.from([0xff, 0xff, 0, 0x3c, 0, 0xc0, 0xff, 0xff]);
    const tensor = new StoredTensor('x', 'F16', [2], pool.subarray(2, 6));
    expect(tensor.toFloat32()).toEqual(Float32Array.of(1, -2));
    tensor.toFloat32().fill(0);
    expect(tensor.toFloat64()).toEqual(Float64Array.of(1, -2));
  });

  it('floats become other floats, int32 becomes int64', () => {
    expect(stored(Float64Array.of(0.1), 'F32').toFloat64()[0]).toBe(Math.fround(0.1));
    expect(stored(Float32Array.of(0.5), 'F64').toFloat64()[0]).toBe(0.5);
    expect(stored(Int32Array.of(-7, 2 ** 31 - 1), 'I64').toInt32()).toEqual(Int32Array.of(-7, 2 ** 31 - 1));
  });

  it('integers of 64 bits are exact where a double is', () => {
    const wide = BigInt64Array.of(0n, -1n, 2n ** 53n - 1n, -(2n ** 53n), -(2n ** 63n), 2n ** 32n);
    expect([...stored(wide).toFloat64()]).toEqual([0, -1, 2 ** 53 - 1, -(2 ** 53), -(2 ** 63), 2 ** 32]);
    expect([...stored(BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n)).toInt32()]).toEqual([-(2 ** 31), 2 ** 31 - 1]);
  });

  it('U64 is exact where a double is, and nothing becomes of complex numbers but their bytes', () => {
    const wide = BigUint64Array.of(0n, 2n ** 53n - 1n, 2n ** 63n);
    expect([...stored(wide, 'U64').toFloat64()]).toEqual([0, 2 ** 53 - 1, 2 ** 63]);
    const complex = new StoredTensor('z', 'C64', [1], new Uint8Array(Float32Array.of(1, 2).buffer));
    expect(complex.data).toHaveLength(8);
    for (const convert of ['toFloat32', 'toFloat64', 'toInt32'] as const) {
      expect(() => complex[convert]()).toThrow(FormatError);
    }
  });

  it.each([
    [stored(BigInt64Array.of(5n, 2n ** 31n)), 'element 1 of tensor "x" is 2147483648'],
    [stored(BigInt64Array.of(-(2n ** 31n) - 1n)), 'element 0 of tensor "x" is -2147483649'],
    [stored(Uint32Array.of(2 ** 31), 'U32'), 'element 0'],
    [stored(Float32Array.of(1)), 'type of tensor "x" is "F32"; expected integers'],
    [stored(Uint8Array.of(1, 2), 'BOOL'), 'element 1 of tensor "x" is 2; expected a BOOL, 0 or 1'],
  ])('%# to int32 is refused', (tensor, message) => {
    expect(() => tensor.toInt32()).toThrow(FormatError);
    expect(() => tensor.toInt32()).toThrow(message);
  });
});

describe('refusals', () => {
  it('bytes that are not those of the shape', () => {
    expect(() => new StoredTensor('w', 'F32', [2, 3], new Uint8Array(23))).toThrow(ShapeError);
    expect(() => new StoredTensor('w', 'F32', [2 ** 40, 0, 2 ** 40], new Uint8Array(0))).not.toThrow();
    expect(() => encoderOf({ shape: [3], data: new Float32Array(4) })).toThrow(ShapeError);
    expect(() => encoderOf({ shape: [3], data: new Uint8Array(3), dtype: 'F32' })).toThrow('expected 12 for F32 [3]');
  });

  it('elements that cannot become the type', () => {
    expect(() => encoderOf({ shape: [1], data: new Float32Array(1), dtype: 'I32' })).toThrow(ConfigError);
    expect(() => encoderOf({ shape: [1], data: new Int32Array(1), dtype: 'F32' })).toThrow(ConfigError);
    expect(() => encoderOf({ shape: [1], data: [1] as unknown as Float32Array })).toThrow(ConfigError);
  });
});
