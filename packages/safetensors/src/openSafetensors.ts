// Opening a model wherever its files lie, in one piece or in shards: the heads are read at once, tensors when they are asked
// for, so that there is never a second copy of all of them.
import { describeValue } from '@sympow/core';
import type { SafetensorsEntry, SafetensorsReadOptions } from './api';
import { LENGTH_BYTES, MAX_HEADER_BYTES } from './layout';
import { FormatError } from './errors';
import { readSafetensorsHeader, safetensorsHeadBytes } from './read';
import { parseShardIndex } from './shards';
import { StoredTensor } from './storedTensor';

/** A folder of files that can be read in part: on disk, in memory, behind an address. */
export interface SafetensorsSource {
  /** Bytes in a file; nothing where there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** Bytes `begin` … `end`−1 of a file. */
  read(name: string, begin: number, end: number): Promise<Uint8Array>;
}

/** A model whose heads were read. */
export interface OpenSafetensors {
  /** Of all files together; of a key that several have, the value of the first. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where each tensor lies, in the order of the files. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry & { readonly file: string }>;
  /**
   * A tensor, with its elements.
   *
   * @throws FormatError if there is none of this name; whatever the source throws
   */
  read(name: string): Promise<StoredTensor>;
}

/**
 * Opens `name`, or the shards that `name` + `.index.json` lists where there is no such file.
 *
 * @param options - limits, and what messages call the folder
 * @throws FormatError if neither is there, a file is damaged, or index and shards contradict each other
 * @example
 * ```ts
 * import { openSafetensors, serializeSafetensors } from '@sympow/safetensors';
 * const file = serializeSafetensors([['w', { shape: [2], data: Float32Array.of(1, 2) }]]);
 * const source = {
 *   size: async (name: string) => (name === 'model.safetensors' ? file.length : undefined),
 *   read: async (_: string, begin: number, end: number) => file.slice(begin, end),
 * };
 * const model = await openSafetensors(source);
 * console.log((await model.read('w')).toFloat32()); // Float32Array [1, 2]
 * ```
 */
export async function openSafetensors(
  source: SafetensorsSource,
  name = 'model.safetensors',
  options: SafetensorsReadOptions = {},
): Promise<OpenSafetensors> {
  const at = (file: string) => (options.source === undefined ? file : `${options.source}/${file}`);
  const listed = (await source.size(name)) === undefined ? await readIndex(source, name, at, options) : undefined;
  const files = listed ? [...new Set(listed.values())] : [name];
  const metadata: [string, string][] = [];
  const tensors = new Map<string, SafetensorsEntry & { file: string }>();
  for (const file of files) {
    const header = await readHead(source, file, { ...options, source: at(file) });
    metadata.push(...Object.entries(header.metadata));
    for (const [key, entry] of header.tensors) {
      if (listed && listed.get(key) !== file) {
        throw contradiction(at(file), key, `${at(name)}.index.json`, listed.get(key));
      }
      tensors.set(key, { ...entry, file });
    }
  }
  for (const [key, file] of listed ?? []) {
    if (!tensors.has(key)) throw contradiction(`${at(name)}.index.json`, key, at(file), undefined);
  }
  return {
    metadata: Object.fromEntries(metadata.reverse()),
    tensors,
    async read(key) {
      const entry = tensors.get(key);
      if (!entry)
        throw new FormatError({ what: 'name of a tensor', value: key, expected: `one of those in ${at(name)}` });
      const bytes = await source.read(entry.file, entry.begin, entry.end);
      return new StoredTensor(key, entry.dtype, entry.shape, bytes);
    },
  };
}

async function readIndex(
  source: SafetensorsSource,
  name: string,
  at: (file: string) => string,
  options: SafetensorsReadOptions,
): Promise<Map<string, string>> {
  const index = `${name}.index.json`;
  const bytes = await source.size(index);
  if (bytes === undefined) {
    throw new FormatError({
      what: at(name),
      value: undefined,
      message: `there is no file ${at(name)}`,
      expected: `it, or ${index} beside shards`,
      remedy: 'Check the path.',
    });
  }
  const { maxHeaderBytes = MAX_HEADER_BYTES } = options;
  if (bytes > maxHeaderBytes) {
    throw new FormatError({
      what: `length of ${at(index)}`,
      value: bytes,
      expected: `at most ${maxHeaderBytes} bytes`,
    });
  }
  return parseShardIndex(await source.read(index, 0, bytes), { ...options, source: at(index) });
}

async function readHead(source: SafetensorsSource, file: string, options: SafetensorsReadOptions) {
  const fileBytes = await source.size(file);
  if (fileBytes === undefined) {
    throw new FormatError({
      what: 'shard',
      value: undefined,
      message: `there is no file ${options.source ?? file}`,
      expected: 'every file that the index names',
      remedy: 'Fetch it again, with all of its neighbours.',
    });
  }
  const start = await source.read(file, 0, Math.min(LENGTH_BYTES, fileBytes));
  const headBytes = Math.min(safetensorsHeadBytes(start, options), fileBytes);
  return readSafetensorsHeader(await source.read(file, 0, headBytes), { ...options, fileBytes });
}

function contradiction(place: string, tensor: string, other: string, said: string | undefined): FormatError {
  const elsewhere = said === undefined ? `which ${other} does not have` : `which ${other} puts into ${said}`;
  return new FormatError({
    what: place,
    value: tensor,
    message: `${place} has the tensor ${describeValue(tensor)}, ${elsewhere}`,
    expected: 'files that belong together',
    remedy: 'Fetch all of them again.',
  });
}
