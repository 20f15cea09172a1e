/**
 * The memory of a stream as a safetensors file: the public state of every layer, in layout version 1. It has the same size
 * after any number of tokens for power attention, and it can be read on any backend.
 */

import type { SavedTensor } from '@sympow/recurrence';
import { encodeSafetensors, parseSafetensors } from '@sympow/safetensors';
import { CheckpointError, ofCheckpoint } from './errors';
import { restoreMemory, type ModelMemory } from './memory';
import type { Model } from './model';
import { missingFile, type Storage } from './storage';

const FORMAT = 'sympow-state';
const VERSION = '1';

/** Writes the memory, its window folded into the state; the memory itself goes on unchanged. @throws CheckpointError */
export async function saveMemory(storage: Storage, name: string, memory: ModelMemory): Promise<void> {
  const { position, tensors } = await memory.save();
  const metadata = { format: FORMAT, version: VERSION, position: String(position) };
  await storage.write(name, encodeSafetensors(Object.entries(tensors), metadata));
}

/**
 * A memory that goes on where a saved one stood.
 *
 * @throws CheckpointError if there is no such file, it is damaged, or it holds something else
 * @throws ConfigError or ShapeError if it was saved by a model of another shape
 */
export async function loadMemory(storage: Storage, name: string, model: Model): Promise<ModelMemory> {
  const source = `${storage.path}/${name}`;
  if ((await storage.size(name)) === undefined) throw missingFile(source);
  const bytes = await storage.read(name);
  const { metadata, tensors } = ofCheckpoint(() => parseSafetensors(bytes, { source }));
  const position = Number(metadata.position);
  if (metadata.format !== FORMAT || metadata.version !== VERSION || !Number.isSafeInteger(position) || position < 0) {
    throw new CheckpointError({
      what: source,
      value: metadata.format,
      message: `${source} is no state that this version can read`,
      expected: `a safetensors file with format ${FORMAT}, version ${VERSION} and a position`,
      remedy: 'Save the state again.',
    });
  }
  const saved: Record<string, SavedTensor> = {};
  for (const [tensor, stored] of tensors) {
    saved[tensor] = { shape: stored.shape, data: ofCheckpoint(() => stored.toFloat32()) };
  }
  return restoreMemory(model, { position, tensors: saved });
}
