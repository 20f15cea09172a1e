// The safetensors format: eight bytes of header length, a JSON header that says where each tensor lies, and the tensors.
// Works on bytes alone, so it runs wherever JavaScript does; files are opened elsewhere. Whatever is wrong with bytes from
// outside, reading them throws a CheckpointError and nothing else.
//
// https://huggingface.co/docs/safetensors
import { ConfigError, describeValue, ShapeError } from '@sympow/embedding';
import { CheckpointError } from './errors';
import { elementCount, encoderOf, STORED_BYTES, storedDType, StoredTensor } from './storedTensor';
import type { StoredDType, TensorToStore } from './storedTensor';
import { parseStrictJson } from './strictJson';
import type { StrictJson } from './strictJson';

/** How much is believed of a file from outside. */
export interface SafetensorsReadOptions {
  /** Longest header, 100 MB unless said otherwise (the limit of the reference implementation). */
  maxHeaderBytes?: number;
  /** Most tensors, 100,000 unless said otherwise. */
  maxTensors?: number;
  /** What the messages call the file. */
  source?: string;
}

/** Where a tensor lies in a file. */
export interface SafetensorsEntry {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** First byte, counted from the beginning of the file. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

/** What the head of a file says. */
export interface SafetensorsHeader {
  readonly metadata: Record<string, string>;
  /** In the order of the file. */
  readonly tensors: Map<string, SafetensorsEntry>;
  /** How long the file must be. */
  readonly fileBytes: number;
}

/** A whole file. */
export interface Safetensors {
  readonly metadata: Record<string, string>;
  /** In the order of the file; their `data` are views of its bytes. */
  readonly tensors: Map<string, StoredTensor>;
}

/** A file to be written, chunk by chunk. Chunks may be views of the tensors that were handed in. */
export interface EncodedSafetensors extends Iterable<Uint8Array> {
  /** Bytes of all chunks together. */
  readonly byteLength: number;
}

const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;
const MAX_TENSORS = 100_000;
/** Values in the header per tensor, with room for shapes of some twenty axes. */
const VALUES_PER_TENSOR = 32;

/**
 * Reads a whole file. Nothing is copied until a tensor is converted.
 *
 * @throws CheckpointError if the bytes are not a valid file
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
 * @throws CheckpointError if there are fewer, or the header would be empty or too long
 */
export function safetensorsHeadBytes(start: Uint8Array, options: SafetensorsReadOptions = {}): number {
  const { maxHeaderBytes = MAX_HEADER_BYTES, source = 'safetensors' } = options;
  if (start.length < LENGTH_BYTES) {
    throw new CheckpointError({
      what: 'length of the file',
      value: start.length,
      message: `${source}: the file ends after ${start.length} bytes`,
      expected: `at least ${LENGTH_BYTES}`,
    });
  }
  const view = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (length < 2 || length > maxHeaderBytes) {
    throw new CheckpointError({
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
 * @throws CheckpointError if the head is not valid, or the file not as long as it says
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
    throw new CheckpointError({ what: 'header', value: undefined, message, expected: 'JSON in UTF-8', cause });
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

function invalid(source: string, what: string, value: unknown, expected: string): CheckpointError {
  return new CheckpointError({ what: `${source}: ${what}`, value, expected });
}

function isStoredDType(value: unknown): value is StoredDType {
  return typeof value === 'string' && Object.hasOwn(STORED_BYTES, value);
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

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

/** What a file begins with, and what has to follow. */
export interface SafetensorsLayout {
  readonly head: Uint8Array;
  /** The order in which the bytes of the tensors follow the head. */
  readonly names: readonly string[];
  /** How long the file will be. */
  readonly byteLength: number;
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
  tensors: Iterable<readonly [string, { readonly dtype: StoredDType; readonly shape: readonly number[] }]>,
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

interface Ordered {
  name: string;
  dtype: StoredDType;
  shape: readonly number[];
}

function inFileOrder(tensors: Iterable<readonly [string, Omit<Ordered, 'name'>]>): Ordered[] {
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
