// Writing: the header is laid out first, then the tensors follow one by one.
import { ConfigError, describeValue, ShapeError } from '@sympow/core';
import type { EncodedSafetensors, SafetensorsLayout, TensorToStore, TensorType } from './api';
import { elementCount, isStoredDType, STORED_BYTES } from './dtypes';
import { isNaturals, LENGTH_BYTES, METADATA } from './layout';
import { encoderOf, storedDType } from './storedTensor';

/**
 * Lays out a file without copying the tensors: iterate over the result to get its bytes in chunks, as often as needed.
 * Tensors are ordered as the reference implementation does, by alignment and then by name, and the header is padded so
 * that they begin at a multiple of eight.
 *
 * @param tensors - names and tensors, a Map for example
 * @param metadata - free text by key
 * @throws ShapeError if an array does not have the length of its shape
 * @throws ConfigError if a name comes twice or is not valid Unicode, metadata is not text, or the elements cannot become
 * the type asked for
 *
 * @example
 * ```ts
 * const file = encodeSafetensors([['norm.weight', { shape: [2], data: Float32Array.of(1, 1) }]], { format: 'pt' });
 * for (const chunk of file) await handle.write(chunk);
 * ```
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, TensorToStore]>,
  metadata: Record<string, string> = {},
): EncodedSafetensors {
  const given = [...tensors];
  const types = given.map(([name, { shape, data, dtype = storedDType(data) }]) => [name, { dtype, shape }] as const);
  const { head, names, byteLength } = layOutSafetensors(types, metadata);
  const encoders = new Map(given.map(([name, tensor]) => [name, encoderOf(tensor)]));
  return {
    byteLength,
    *[Symbol.iterator]() {
      yield head;
      for (const name of names) {
        const bytes = encoders.get(name)!();
        if (bytes.length > 0) yield bytes;
      }
    },
  };
}

/**
 * Lays out a file whose tensors come later, one by one. See {@link encodeSafetensors} for the order and the errors.
 *
 * @example
 * ```ts
 * const { head, names } = layOutSafetensors([['norm.weight', { dtype: 'F32', shape: [2] }]]);
 * ```
 */
export function layOutSafetensors(
  tensors: Iterable<readonly [string, TensorType]>,
  metadata: Record<string, string> = {},
): SafetensorsLayout {
  let end = 0;
  const ordered = inFileOrder(tensors);
  const members = ordered.map(({ name, dtype, shape }) => {
    const begin = end;
    end += elementCount(shape) * STORED_BYTES[dtype];
    return member(name, { dtype, shape, data_offsets: [begin, end] });
  });
  requireText(metadata);
  if (Object.keys(metadata).length > 0) members.unshift(member(METADATA, metadata));
  const head = encodeHead(`{${members.join(',')}}`);
  return { head, names: ordered.map(({ name }) => name), byteLength: head.length + end };
}

/**
 * {@link encodeSafetensors} in one array.
 *
 * @example
 * ```ts
 * const bytes = serializeSafetensors([['x', { shape: [], data: Float32Array.of(1) }]]);
 * parseSafetensors(bytes).tensors.get('x')?.toFloat32(); // 1
 * ```
 */
export function serializeSafetensors(
  tensors: Iterable<readonly [string, TensorToStore]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const encoded = encodeSafetensors(tensors, metadata);
  const file = new Uint8Array(encoded.byteLength);
  let at = 0;
  for (const chunk of encoded) {
    file.set(chunk, at);
    at += chunk.length;
  }
  return file;
}

interface Ordered extends TensorType {
  readonly name: string;
}

function inFileOrder(tensors: Iterable<readonly [string, TensorType]>): Ordered[] {
  const byName = new Map<string, Ordered>();
  for (const [name, { dtype, shape }] of tensors) {
    if (byName.has(name) || name === METADATA || !isUnicode(name)) {
      throw new ConfigError({ what: 'name of a tensor', value: name, expected: `Unicode, once, and not ${METADATA}` });
    }
    if (!isStoredDType(dtype)) {
      const expected = `one of ${Object.keys(STORED_BYTES).join(', ')}`;
      throw new ConfigError({ what: `dtype of ${describeValue(name)}`, value: dtype, expected });
    }
    if (!isNaturals(shape)) {
      throw new ShapeError({ what: `shape of ${describeValue(name)}`, value: shape, expected: 'whole numbers' });
    }
    byName.set(name, { name, dtype, shape });
  }
  const rank = Object.keys(STORED_BYTES);
  return [...byName.values()].sort(
    (a, b) => rank.indexOf(a.dtype) - rank.indexOf(b.dtype) || (a.name < b.name ? -1 : 1),
  );
}

function member(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/** The length and the header, padded with spaces to a multiple of eight. */
function encodeHead(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const head = new Uint8Array(LENGTH_BYTES + Math.ceil(text.length / 8) * 8).fill(' '.charCodeAt(0));
  const view = new DataView(head.buffer);
  view.setUint32(0, head.length - LENGTH_BYTES, true);
  view.setUint32(4, 0, true);
  head.set(text, LENGTH_BYTES);
  return head;
}

function requireText(metadata: Record<string, string>): void {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string' || !isUnicode(value) || !isUnicode(key)) {
      throw new ConfigError({ what: `${METADATA} ${describeValue(key)}`, value, expected: 'text' });
    }
  }
}

/** Whether no half of a surrogate pair stands alone: UTF-8 could not hold it. */
function isUnicode(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
