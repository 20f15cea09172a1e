/** What a checkpoint is, in one line. */

import type { Storage } from '@sympow/storage';
import type { ModelEntries } from './api';
import { findCheckpoint, readFormat } from './checkpoint';
import { kindsOfLayers } from './kindsOfLayers';
import { openTensors } from './tensorFile';

/** What {@link describeCheckpoint} finds. */
export interface CheckpointDescription {
  /** The name of its format. */
  readonly format: string;
  /** Whether it is of somebody else. */
  readonly foreign: boolean;
  /** In one line. */
  readonly says: string;
}

/**
 * What a checkpoint is, in a folder or at its path or address: its format, layers, kinds of attention, element types and files.
 *
 * @throws CheckpointError if there is none, or it is none that can be loaded
 * @example
 * ```ts
 * const { says } = await describeCheckpoint('models/llama');
 * // llama checkpoint of Hugging Face, 2 layers, softmax, float16, 17 shards
 * ```
 */
export async function describeCheckpoint(
  from: Storage | string,
  entries: ModelEntries = {},
): Promise<CheckpointDescription> {
  const folder = await findCheckpoint(from);
  const { format, config } = await readFormat(folder, entries);
  const tensors = [...(await openTensors(folder, 'model.safetensors')).tensors.values()];
  const files = new Set(tensors.map(({ file }) => file)).size;
  const words = [
    format.says,
    count(config.layers, 'layer'),
    [...new Set(kindsOfLayers(config).map(({ name }) => name))].join(' and '),
    [...new Set(tensors.map(({ dtype }) => names[dtype] ?? dtype))].join(' and '),
    ...(files > 1 ? [count(files, 'shard')] : []),
  ];
  return { format: format.name, foreign: format.origin !== undefined, says: words.join(', ') };
}

const names: Readonly<Record<string, string>> = { F64: 'float64', F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
