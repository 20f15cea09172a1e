import { readFileSync } from 'node:fs';
import { ConfigError, ShapeError } from '@sympow/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TensorToStore } from './api';
import { FormatError } from './errors';
import { parseSafetensors, readSafetensorsHeader, safetensorsHeadBytes } from './read';
import { StoredTensor } from './storedTensor';
import { encodeSafetensors, serializeSafetensors } from './write';

/** A file by hand: length, header, data. */
function file(header: unknown, dataBytes = 0, headerBytes?: number): Uint8Array {
  const text = header instanceof Uint8Array ? header : new TextEncoder().encode(asText(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const asText = (header: unknown): string => (typeof header === 'string' ? header : JSON.stringify(header));
const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const entry = (dtype: unknown, shape: unknown, ...data_offsets: unknown[]) => ({ dtype, shape, data_offsets });
const golden = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../tools/golden/fixtures/${name}.safetensors`, import.meta.url)));

const everyType: [string, TensorToStore][] = [
  ['f64', { shape: [2], data: Float64Array.of(Math.PI, -0) }],
  ['f32', { shape: [3, 1], data: Float32Array.of(1.5, NaN, -Infinity) }],
  ['f16', { shape: [2], data: Float32Array.of(0.5, -3), dtype: 'F16' }],
  ['bf16', { shape: [1, 1, 1], data: Float32Array.of(-8), dtype: 'BF16' }],
  ['i64', { shape: [2], data: BigInt64Array.of(-5n, 2n ** 31n - 1n) }],
  ['i32', { shape: [], data: Int32Array.of(-(2 ** 31)) }],
  ['i16', { shape: [1], data: Int16Array.of(-32_768) }],
  ['i8', { shape: [3], data: Int8Array.of(-128, 0, 127) }],
  ['u8', { shape: [1], data: Uint8Array.of(255) }],
  ['u16', { shape: [1], data: Uint16Array.of(65_535) }],
  ['u32', { shape: [1], data: Uint32Array.of(2 ** 31 - 1) }],
  ['u64', { shape: [1], data: BigUint64Array.of(2n ** 31n - 1n) }],
  ['f8_e4m3', { shape: [4], data: Float32Array.of(0.5, -448, -0, NaN), dtype: 'F8_E4M3' }],
  ['f8_e5m2', { shape: [3], data: Float32Array.of(-57_344, 2 ** -16, Infinity), dtype: 'F8_E5M2' }],
  ['f8_e8m0', { shape: [2], data: Float32Array.of(2 ** -127, 1), dtype: 'F8_E8M0' }],
  ['bool', { shape: [2], data: Uint8Array.of(0, 1), dtype: 'BOOL' }],
  ['empty', { shape: [0, 7], data: new Float32Array(0) }],
];

describe('round trip', () => {
  it('every type comes back with its shape and elements', () => {
    const { tensors, metadata } = parseSafetensors(serializeSafetensors(everyType, { note: 'naïve ✓', step: '3' }));
    expect(metadata).toEqual({ note: 'naïve ✓', step: '3' });
    expect(tensors.size).toBe(everyType.length);
    for (const [name, { shape, data, dtype }] of everyType) {
      const tensor = tensors.get(name)!;
      expect(tensor.shape).toEqual(shape);
      expect(tensor.dtype).toBe(name === 'empty' ? 'F32' : name.toUpperCase());
      expect([...tensor.toFloat64()]).toEqual(Array.from(data as Iterable<number | bigint>, Number));
      if (/^[iu]|bool/.test(name)) expect([...tensor.toInt32()]).toEqual(Array.from(data as Iterable<number>, Number));
      // What was read can be written as it is.
      expect(parseSafetensors(serializeSafetensors([[name, tensor]])).tensors.get(name)!.data).toEqual(tensor.data);
      expect(dtype ?? tensor.dtype).toBe(tensor.dtype);
    }
  });

  it('orders tensors by alignment, then name, and begins them at a multiple of eight', () => {
    const bytes = serializeSafetensors([...everyType].reverse());
    const { tensors, fileBytes } = readSafetensorsHeader(bytes);
    expect([...tensors.keys()]).toEqual([
      'u64',
      'i64',
      'f64',
      'empty',
      'f32',
      'u32',
      'i32',
      'bf16',
      'f16',
      'u16',
      'i16',
      'f8_e8m0',
      'f8_e4m3',
      'f8_e5m2',
      'i8',
      'u8',
      'bool',
    ]);
    expect(fileBytes).toBe(bytes.length);
    for (const { begin, end, shape } of tensors.values()) {
      const width = end === begin ? 1 : (end - begin) / shape.reduce((a, b) => a * b, 1);
      expect(begin % width).toBe(0);
    }
    expect(safetensorsHeadBytes(bytes) % 8).toBe(0);
  });

  it('any names and metadata survive, numbers and __proto__ among them', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 });
    const name = fc
      .oneof(text, fc.constantFrom('__proto__', 'constructor', '10', '9', ''))
      .filter((n) => n !== '__metadata__');
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 6 }), fc.dictionary(text, text), (names, metadata) => {
        const bytes = serializeSafetensors(
          names.map((n, i) => [n, { shape: [i], data: new Float32Array(i).fill(i) }]),
          metadata,
        );
        const parsed = parseSafetensors(bytes);
        expect([...parsed.tensors.keys()].sort()).toEqual([...names].sort());
        expect(Object.entries(parsed.metadata)).toEqual(Object.entries(metadata));
        for (const [i, n] of names.entries()) expect([...parsed.tensors.get(n)!.toFloat32()]).toEqual(Array(i).fill(i));
      }),
    );
  });

  it('nothing at all is a file too', () => {
    expect(parseSafetensors(serializeSafetensors([]))).toEqual({ metadata: {}, tensors: new Map() });
    expect(parseSafetensors(file('{}')).tensors.size).toBe(0);
  });

  it('chunks are views of what was handed in, and can be read twice', () => {
    const data = Float32Array.of(1, 2);
    const encoded = encodeSafetensors([['x', { shape: [2], data }]]);
    const [, chunk] = encoded;
    expect(chunk!.buffer).toBe(data.buffer);
    expect([...encoded].reduce((sum, { length }) => sum + length, 0)).toBe(encoded.byteLength);
  });
});

describe('files of the reference implementation', () => {
  it.each(['attention', 'model'])('%s is read, and written again byte by byte', (name) => {
    const bytes = golden(name);
    const { tensors, metadata } = parseSafetensors(bytes);
    expect(tensors.size).toBeGreaterThan(50);
    expect(Buffer.compare(serializeSafetensors(tensors, metadata), bytes)).toBe(0);
  });

  it('tokens are whole numbers, weights are finite', () => {
    const { tensors } = parseSafetensors(golden('model'));
    const tokens = tensors.get('tokens')!;
    expect(tokens.dtype).toBe('I64');
    expect(tokens.toInt32().every((token) => token >= 0 && token < 61)).toBe(true);
    expect(tensors.get('conformal.adamw_losses')!.toFloat64().every(Number.isFinite)).toBe(true);
  });
});

describe('reading tensor by tensor', () => {
  it('gives what reading the whole file gives', () => {
    const bytes = golden('model');
    const head = bytes.slice(0, safetensorsHeadBytes(bytes.subarray(0, 8)));
    const { tensors, fileBytes } = readSafetensorsHeader(head, { fileBytes: bytes.length });
    expect(fileBytes).toBe(bytes.length);
    const whole = parseSafetensors(bytes).tensors;
    for (const [name, { dtype, shape, begin, end }] of tensors) {
      const tensor = new StoredTensor(name, dtype, shape, bytes.slice(begin, end));
      expect(tensor.toFloat64()).toEqual(whole.get(name)!.toFloat64());
    }
  });

  it('notices a file cut short before reading it', () => {
    const bytes = golden('model');
    const head = bytes.slice(0, safetensorsHeadBytes(bytes));
    expect(() => readSafetensorsHeader(head, { fileBytes: bytes.length - 1, source: 'a.safetensors' })).toThrow(
      `a.safetensors: length of the file is ${bytes.length - 1}; expected ${bytes.length} bytes`,
    );
    expect(() => readSafetensorsHeader(head.subarray(0, -1))).toThrow(FormatError);
  });

  it('takes bytes from anywhere in a buffer', () => {
    const bytes = serializeSafetensors(everyType);
    for (let shift = 1; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      const { tensors } = parseSafetensors(moved.subarray(shift));
      expect(tensors.get('f64')!.toFloat64()[0]).toBe(Math.PI);
      expect(tensors.get('i64')!.toInt32()[0]).toBe(-5);
    }
  });
});

describe('hostile files', () => {
  const x = entry('F32', [1], 0, 4);
  const twice = `{"x":${JSON.stringify(x)},"x":${JSON.stringify(x)}}`;
  const deep = `{"x":${'['.repeat(100_000)}`;
  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'the file ends after 0 bytes; expected at least 8'],
    ['half a length', new Uint8Array(7), 'the file ends after 7 bytes'],
    ['a header of no bytes', file('', 100), 'length of the header is 0'],
    ['a header longer than the cap', file('{}', 0, 100_000_001), 'expected 2 to 100000000 bytes'],
    ['a header of 2^64 − 1 bytes', new Uint8Array(16).fill(255), 'This may not be a safetensors file'],
    ['a header longer than the file', file('{}', 0, 3), 'length of the head is 10; expected at least 11'],
    ['a header that begins with a space', file(' {}'), 'first byte of the header is 32'],
    ['a header that is not JSON', file('{"x":}'), 'the header cannot be read (no value at position 5)'],
    ['a header with something behind it', file('{}x'), 'more text after the end'],
    ['a header that is not UTF-8', file(latin1('{"__metadata__":{"a":"\xff"}}')), 'JSON in UTF-8'],
    ['a name that comes twice', file(twice, 4), 'the key "x" comes twice'],
    ['a name that is half a surrogate pair', file('{"\\ud800":1}'), 'half a surrogate pair'],
    ['a header that is too deep', file(deep), 'more than 4 levels'],
    ['metadata that is no object', file({ __metadata__: ['a'] }), '__metadata__ is ["a"]'],
    ['metadata that is not text', file({ __metadata__: { step: 3 } }), '__metadata__ "step" is 3; expected a string'],
    ['an entry that is no object', file({ x: 'F32' }), 'entry of "x" is "F32"'],
    ['no type', file({ x: { shape: [1], data_offsets: [0, 4] } }, 4), 'dtype of "x" is undefined'],
    ['an unknown type', file({ x: entry('F4', [4], 0, 4) }, 4), 'dtype of "x" is "F4"; expected one of U64'],
    ['a type that objects have', file({ x: entry('constructor', [4], 0, 4) }, 4), 'dtype of "x"'],
    ['no shape', file({ x: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'shape of "x" is undefined'],
    ['a negative shape', file({ x: entry('F32', [-1], 0, 4) }, 4), 'shape of "x" is [-1]'],
    ['a fractional shape', file({ x: entry('F32', [0.5], 0, 4) }, 4), 'shape of "x" is [0.5]'],
    ['a shape of text', file({ x: entry('F32', ['1'], 0, 4) }, 4), 'shape of "x" is ["1"]'],
    ['a shape beyond 2^53', file(`{"x":${asText(x).replace('[1]', '[9007199254740993]')}}`, 4), 'shape of "x"'],
    ['a shape whose product overflows', file({ x: entry('U8', [2 ** 32, 2 ** 32], 0, 0) }), 'data_offsets of "x"'],
    ['one offset', file({ x: entry('F32', [1], 0) }, 4), 'data_offsets of "x" is [0]; expected two whole numbers'],
    ['three offsets', file({ x: entry('F32', [1], 0, 4, 8) }, 8), 'expected two whole numbers'],
    ['offsets in reverse', file({ x: entry('F32', [1], 4, 0) }, 4), 'expected 4 bytes for F32 [1]'],
    ['too few bytes for the shape', file({ x: entry('F32', [2], 0, 4) }, 4), 'expected 8 bytes for F32 [2]'],
    ['too many bytes for the shape', file({ x: entry('F32', [], 0, 8) }, 8), 'expected 4 bytes for F32 []'],
    ['a hole at the beginning', file({ x: entry('F32', [1], 4, 8) }, 8), 'without leaving a hole'],
    ['a hole', file({ x, y: entry('F32', [1], 8, 12) }, 12), 'first byte of "y"'],
    ['an overlap', file({ x, y: entry('F32', [1], 2, 6) }, 6), 'without overlapping'],
    ['two tensors in one place', file({ x, y: x }, 4), 'without overlapping'],
    ['an empty tensor out of place', file({ x, y: entry('F32', [0], 3, 3) }, 4), 'first byte of'],
    ['data cut short', file({ x }, 3), 'length of the file'],
    ['data beyond the end', file({ x }, 5), 'as its header says'],
    ['offsets beyond the file', file({ x: entry('U8', [2 ** 50], 0, 2 ** 50) }, 8), 'length of the file'],
  ])('%s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(FormatError);
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  it('caps are the caller’s to set', () => {
    const many = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [i, entry('U8', [1], i, i + 1)]));
    expect(parseSafetensors(file(many, 5), { maxTensors: 5 }).tensors.size).toBe(5);
    expect(() => parseSafetensors(file(many, 5), { maxTensors: 4 })).toThrow('number of tensors is 5');
    expect(() => parseSafetensors(file(many, 5), { maxHeaderBytes: 64 })).toThrow('expected 2 to 64 bytes');
    const long = file({ x: entry('U8', Array(1000).fill(1), 0, 1) }, 1);
    expect(() => parseSafetensors(long, { maxTensors: 1 })).toThrow('more than 64 values');
  });

  it('fields that nobody knows are left alone', () => {
    const { tensors } = parseSafetensors(file({ x: { ...x, checksum: [1] } }, 4));
    expect(tensors.get('x')!.shape).toEqual([1]);
  });

  it('tensors may stand in any order in the header', () => {
    const { tensors } = parseSafetensors(file({ y: entry('U8', [2], 4, 6), z: entry('U8', [0], 4, 4), x }, 6));
    expect([...tensors.keys()]).toEqual(['x', 'z', 'y']);
  });
});

describe('damage', () => {
  const whole = serializeSafetensors(everyType.slice(2, 9), { note: 'é' });

  /** Whether it works; whatever else than a FormatError comes of it fails the test. */
  function works(attempt: () => unknown): boolean {
    try {
      attempt();
      return true;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      expect(error.message).not.toContain('\n');
      return false;
    }
  }

  function isFile(bytes: Uint8Array): boolean {
    return works(() => {
      for (const tensor of parseSafetensors(bytes).tensors.values()) {
        works(() => tensor.toFloat32());
        works(() => tensor.toInt32());
      }
    });
  }

  it('no beginning of a file is a file', () => {
    for (let length = 0; length < whole.length; length++) expect(isFile(whole.slice(0, length))).toBe(false);
    expect(isFile(whole)).toBe(true);
  });

  it('no flipped bit does more than change a value or raise a FormatError', () => {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = whole.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      isFile(bytes);
    }
  });

  it('nor do pieces cut out, doubled or made up', () => {
    const place = fc.nat(whole.length);
    fc.assert(
      fc.property(place, place, place, fc.uint8Array({ maxLength: 16 }), (from, to, at, made) => {
        const piece = whole.subarray(Math.min(from, to), Math.max(from, to));
        isFile(Uint8Array.of(...whole.subarray(0, at), ...piece, ...made, ...whole.subarray(at)));
        isFile(Uint8Array.of(...whole.subarray(0, Math.min(from, to)), ...made, ...whole.subarray(Math.max(from, to))));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is refused to be written', () => {
  const one: TensorToStore = { shape: [1], data: new Float32Array(1) };
  it.each<[string, () => unknown, typeof ConfigError | typeof ShapeError]>([
    [
      'a name twice',
      () =>
        encodeSafetensors([
          ['a', one],
          ['a', one],
        ]),
      ConfigError,
    ],
    ['the name of the metadata', () => encodeSafetensors([['__metadata__', one]]), ConfigError],
    ['half a surrogate pair', () => encodeSafetensors([['\ud800', one]]), ConfigError],
    ['metadata that is not text', () => encodeSafetensors([], { a: 1 as unknown as string }), ConfigError],
    ['an unknown type', () => encodeSafetensors([['a', { ...one, dtype: 'F8' as 'F32' }]]), ConfigError],
    ['floats as integers', () => encodeSafetensors([['a', { ...one, dtype: 'I32' }]]), ConfigError],
    ['another length', () => encodeSafetensors([['a', { ...one, shape: [2] }]]), ShapeError],
    ['a fractional shape', () => encodeSafetensors([['a', { ...one, shape: [1.5] }]]), ShapeError],
  ])('%s', (_, write, kind) => {
    expect(write).toThrow(kind);
  });
});
