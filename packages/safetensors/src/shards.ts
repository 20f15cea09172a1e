// Models in several files: `model.safetensors.index.json` says which tensor lies in which of them.
import { ConfigError, describeValue } from '@sympow/core';
import type { SafetensorsReadOptions, TensorType } from './api';
import { elementCount, STORED_BYTES } from './dtypes';
import { FormatError } from './errors';
import { MAX_HEADER_BYTES, MAX_TENSORS } from './layout';
import { parseStrictJson, type StrictJson } from './strictJson';

/** Which tensors go into which file. */
export interface ShardPlan {
  /** Files in order, each with the names of its tensors. */
  readonly shards: readonly { readonly file: string; readonly names: readonly string[] }[];
  /** What `<base>.safetensors.index.json` has to hold. */
  readonly index: string;
}

/**
 * Divides tensors among files of at most `maxBytes` of elements each, in the order in which they come. A tensor that is
 * larger than that has a file of its own.
 *
 * @param maxBytes - most bytes of elements in a file, at least 1
 * @param base - what the files are called in front of their numbers
 * @throws ConfigError for a limit that is not a whole number of at least 1
 * @example
 * ```ts
 * import { planShards } from '@sympow/safetensors';
 * const plan = planShards([['a', { dtype: 'F32', shape: [2] }], ['b', { dtype: 'F32', shape: [2] }]], 8);
 * console.log(plan.shards.map(({ file }) => file));
 * // ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
 * ```
 */
export function planShards(
  tensors: Iterable<readonly [string, TensorType]>,
  maxBytes: number,
  base = 'model',
): ShardPlan {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw new ConfigError({ what: 'maxBytes', value: maxBytes, expected: 'a whole number of at least 1' });
  }
  const groups: string[][] = [];
  let room = 0;
  let total = 0;
  for (const [name, { dtype, shape }] of tensors) {
    const bytes = elementCount(shape) * STORED_BYTES[dtype];
    if (groups.length === 0 || bytes > room) {
      groups.push([]);
      room = maxBytes;
    }
    groups[groups.length - 1]!.push(name);
    room -= bytes;
    total += bytes;
  }
  const five = (n: number) => String(n).padStart(5, '0');
  const shards = groups.map((names, i) => ({
    file: `${base}-${five(i + 1)}-of-${five(groups.length)}.safetensors`,
    names,
  }));
  const entries = shards.flatMap(({ file, names }) => names.map((name) => [name, file] as const));
  // Names may be any text, `__proto__` among them, which an object literal would not keep.
  const weightMap = entries.map(([name, file]) => `    ${JSON.stringify(name)}: ${JSON.stringify(file)}`).join(',\n');
  const index = `{\n  "metadata": { "total_size": ${total} },\n  "weight_map": {\n${weightMap}\n  }\n}\n`;
  return { shards, index };
}

/**
 * Reads `model.safetensors.index.json`: the file of each tensor, in the order of the index.
 *
 * @param source - what the messages call it
 * @throws FormatError if it is none, names a file outside its folder, or lists more tensors than `maxTensors`
 */
export function parseShardIndex(bytes: Uint8Array, options: SafetensorsReadOptions = {}): Map<string, string> {
  const { maxTensors = MAX_TENSORS, maxHeaderBytes = MAX_HEADER_BYTES, source = 'index' } = options;
  const invalid = (what: string, value: unknown, expected: string) =>
    new FormatError({ what: `${source}: ${what}`, value, expected });
  if (bytes.length > maxHeaderBytes) throw invalid('length', bytes.length, `at most ${maxHeaderBytes} bytes`);
  let json: StrictJson;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    json = parseStrictJson(text, { depth: 8, values: 2 * maxTensors + 1000 });
  } catch (cause) {
    const message = `${source} cannot be read (${(cause as Error).message})`;
    throw new FormatError({ what: source, value: undefined, message, expected: 'JSON in UTF-8', cause });
  }
  const map = json instanceof Map ? json.get('weight_map') : undefined;
  if (!(map instanceof Map)) throw invalid('weight_map', map, 'an object with the file of each tensor');
  if (map.size > maxTensors) throw invalid('number of tensors', map.size, `at most ${maxTensors}`);
  for (const [name, file] of map) {
    if (typeof file === 'string' && /^[^/\\\0]+\.safetensors$/.test(file)) continue;
    throw invalid(`file of ${describeValue(name)}`, file, 'a .safetensors file in the same folder');
  }
  return map as Map<string, string>;
}
