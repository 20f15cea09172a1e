// Reading: eight bytes of header length, a JSON header that says where each tensor lies, and the tensors. Works on bytes
// alone; files are opened in openSafetensors.ts. Whatever is wrong with bytes from outside, reading them throws a
// FormatError and nothing else.
//
// https://huggingface.co/docs/safetensors
import { describeValue } from '@sympow/core';
import type { SafetensorsEntry, SafetensorsHeader, SafetensorsReadOptions } from './api';
import { elementCount, isStoredDType, STORED_BYTES } from './dtypes';
import { FormatError } from './errors';
import { isNaturals, LENGTH_BYTES, MAX_HEADER_BYTES, MAX_TENSORS, METADATA } from './layout';
import { StoredTensor } from './storedTensor';
import { parseStrictJson, type StrictJson } from './strictJson';

/** A whole file. */
export interface Safetensors {
  readonly metadata: Record<string, string>;
  /** In the order of the file; their `data` are views of its bytes. */
  readonly tensors: Map<string, StoredTensor>;
}

/** Values in the header per tensor, with room for shapes of some twenty axes. */
const VALUES_PER_TENSOR = 32;

/**
 * Reads a whole file. Nothing is copied until a tensor is converted.
 *
 * @throws FormatError if the bytes are not a valid file
 *
 * @example
 * ```ts
 * const { metadata, tensors } = parseSafetensors(new Uint8Array(await response.arrayBuffer()));
 * const weight = tensors.get('model.norm.weight')?.toFloat32();
 * ```
 */
export function parseSafetensors(bytes: Uint8Array, options: SafetensorsReadOptions = {}): Safetensors {
  const header = readSafetensorsHeader(bytes, { ...options, fileBytes: bytes.length });
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, begin, end }] of header.tensors) {
    tensors.set(name, new StoredTensor(name, dtype, shape, bytes.subarray(begin, end)));
  }
  return { metadata: header.metadata, tensors };
}

/**
 * How many bytes the head of a file has, from its first eight.
 *
 * @param start - the first eight bytes, or more
 * @throws FormatError if there are fewer, or the header would be empty or too long
 */
export function safetensorsHeadBytes(start: Uint8Array, options: SafetensorsReadOptions = {}): number {
  const { maxHeaderBytes = MAX_HEADER_BYTES, source = 'safetensors' } = options;
  if (start.length < LENGTH_BYTES) {
    throw new FormatError({
      what: 'length of the file',
      value: start.length,
      message: `${source}: the file ends after ${start.length} bytes`,
      expected: `at least ${LENGTH_BYTES}`,
    });
  }
  const view = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (length < 2 || length > maxHeaderBytes) {
    throw new FormatError({
      what: `${source}: length of the header`,
      value: length,
      expected: `2 to ${maxHeaderBytes} bytes`,
      remedy: 'This may not be a safetensors file.',
    });
  }
  return LENGTH_BYTES + length;
}

/**
 * Reads the head of a file, so that tensors can then be read one by one.
 *
 * @param head - at least the first {@link safetensorsHeadBytes} bytes
 * @param options - with the length of the file, where it is known, so that a file cut short is noticed now
 * @throws FormatError if the head is not valid, or the file not as long as it says
 *
 * @example
 * ```ts
 * const { tensors } = readSafetensorsHeader(head, { fileBytes });
 * for (const [name, { dtype, shape, begin, end }] of tensors) {
 *   const tensor = new StoredTensor(name, dtype, shape, await readBytes(begin, end));
 * }
 * ```
 */
export function readSafetensorsHeader(
  head: Uint8Array,
  options: SafetensorsReadOptions & { fileBytes?: number } = {},
): SafetensorsHeader {
  const { maxTensors = MAX_TENSORS, source = 'safetensors', fileBytes } = options;
  const dataBegin = safetensorsHeadBytes(head, options);
  if (head.length < dataBegin) throw invalid(source, 'length of the head', head.length, `at least ${dataBegin} bytes`);

  const members = parseHeader(head.slice(LENGTH_BYTES, dataBegin), maxTensors, source);
  const metadata = readMetadata(members.get(METADATA), source);
  members.delete(METADATA);
  if (members.size > maxTensors) throw invalid(source, 'number of tensors', members.size, `at most ${maxTensors}`);

  const entries = Array.from(members, ([name, member]) => readEntry(name, member, dataBegin, source));
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let end = dataBegin;
  for (const [name, entry] of entries) {
    if (entry.begin !== end) {
      const problem = entry.begin < end ? 'overlapping the tensor before it' : 'leaving a hole before it';
      throw invalid(source, `first byte of ${describeValue(name)}`, entry.begin, `${end}, without ${problem}`);
    }
    end = entry.end;
  }
  if (fileBytes !== undefined && fileBytes !== end) {
    throw invalid(source, 'length of the file', fileBytes, `${end} bytes, as its header says`);
  }
  return { metadata, tensors: new Map(entries), fileBytes: end };
}

function parseHeader(bytes: Uint8Array, maxTensors: number, source: string): Map<string, StrictJson> {
  if (bytes[0] !== '{'.charCodeAt(0)) throw invalid(source, 'first byte of the header', bytes[0], '"{"');
  let header: StrictJson;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = parseStrictJson(text, { depth: 4, values: VALUES_PER_TENSOR * (maxTensors + 1) });
  } catch (cause) {
    const message = `${source}: the header cannot be read (${(cause as Error).message})`;
    throw new FormatError({ what: 'header', value: undefined, message, expected: 'JSON in UTF-8', cause });
  }
  if (!(header instanceof Map)) throw invalid(source, 'header', header, 'an object');
  return header;
}

function readMetadata(member: StrictJson | undefined, source: string): Record<string, string> {
  if (member === undefined) return {};
  if (!(member instanceof Map)) throw invalid(source, METADATA, member, 'an object');
  for (const [key, value] of member) {
    if (typeof value !== 'string') throw invalid(source, `${METADATA} ${describeValue(key)}`, value, 'a string');
  }
  return Object.fromEntries(member as Map<string, string>);
}

function readEntry(name: string, member: StrictJson, dataBegin: number, source: string): [string, SafetensorsEntry] {
  const of = `of ${describeValue(name)}`;
  if (!(member instanceof Map)) throw invalid(source, `entry ${of}`, member, 'an object');
  const dtype = member.get('dtype');
  const shape = member.get('shape');
  const offsets = member.get('data_offsets');
  if (!isStoredDType(dtype))
    throw invalid(source, `dtype ${of}`, dtype, `one of ${Object.keys(STORED_BYTES).join(', ')}`);
  if (!isNaturals(shape)) throw invalid(source, `shape ${of}`, shape, 'an array of whole numbers');
  if (!isNaturals(offsets) || offsets.length !== 2) {
    throw invalid(source, `data_offsets ${of}`, offsets, 'two whole numbers');
  }
  const [begin, end] = offsets as [number, number];
  const bytes = elementCount(shape) * STORED_BYTES[dtype];
  if (end - begin !== bytes) {
    throw invalid(source, `data_offsets ${of}`, offsets, `${bytes} bytes for ${dtype} [${shape.join(', ')}]`);
  }
  return [name, { dtype, shape, begin: dataBegin + begin, end: dataBegin + end }];
}

function invalid(source: string, what: string, value: unknown, expected: string): FormatError {
  return new FormatError({ what: `${source}: ${what}`, value, expected });
}
