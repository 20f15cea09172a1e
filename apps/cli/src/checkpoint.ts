// Opening a checkpoint from its path or address: the model, its tokenizer, and the context that it was trained with.

import type { Tokenizer } from '@sympow/data';
import type { Backend } from '@sympow/kernels';
import {
  CheckpointError,
  describeCheckpoint,
  findCheckpoint,
  loadModel,
  variantOf,
  type LoadOptions,
  type Model,
} from '@sympow/model';
import { tokenizerOf } from '@sympow/start';
import { isAddress, openStorage } from '@sympow/storage';
import { readTraining } from '@sympow/training';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface OpenCheckpoint {
  /** Where it was found: the newest checkpoint, where the path is a run's. */
  readonly path: string;
  /** The variant's name. */
  readonly name: string;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** What it is, where somebody else wrote it, and what was made up for what is missing. */
  readonly notes: readonly string[];
  /** T of the training batches; unknown for a model without training files. */
  readonly context: number | undefined;
}

/**
 * @param path - a folder, or its address
 * @param onRetry - told when a server is asked again
 * @throws CheckpointError if there is none at `path`, it is damaged, or it lacks a tokenizer that its model needs
 */
export async function openCheckpoint(
  backend: Backend,
  path: string,
  { precision, ...options }: LoadOptions = {},
  onRetry?: (message: string) => void,
): Promise<OpenCheckpoint> {
  if (!isAddress(path)) requireNoFile(path);
  const storage = await findCheckpoint(openStorage(path, { http: { onRetry } }));
  const { foreign, says } = await describeCheckpoint(storage, options.entries);
  // Nothing is trained: what is multiplied in halves is kept in halves.
  const kept = typeof precision === 'string' ? { weights: precision, masters: precision } : precision;
  const model = await loadModel(backend, storage, { ...options, precision: kept });
  const { tokenizer, own } = await tokenizerOf(storage, model);
  const notes = [
    ...(foreign ? [`${storage.path} is a ${says}`] : []),
    ...(own ? [] : [`${storage.path} has no tokenizer.json: its 256 tokens are taken for bytes`]),
  ];
  const context = (await readTraining(storage))?.context;
  return { path: storage.path, name: variantOf(model.config), model, tokenizer, notes, context };
}

/** A part of a checkpoint is easily named in its place. */
function requireNoFile(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  const folder = dirname(path);
  throw new CheckpointError({
    what: path,
    value: 'a file',
    message: `${path} is a file`,
    expected: 'the folder of a checkpoint, with config.json and model.safetensors in it, or the folder of a run',
    remedy: existsSync(join(folder, 'config.json'))
      ? `Name the folder that it lies in, ${folder}.`
      : 'Name that folder.',
  });
}
