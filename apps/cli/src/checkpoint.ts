// Opening a checkpoint from its path: the model, its tokenizer, and the context that it was trained with.

import { byteTokenizer, tokenizerFromJSON, type Tokenizer } from '@sympow/data';
import type { Backend } from '@sympow/kernels';
import {
  findCheckpoint,
  folderStorage,
  loadModel,
  readJson,
  variantOf,
  type ComputeOptions,
  type Model,
} from '@sympow/model';
import { readTraining } from '@sympow/training';

export interface OpenCheckpoint {
  /** Where it was found: the newest checkpoint, where the path is a run's. */
  readonly path: string;
  /** The variant's name. */
  readonly name: string;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** T of the training batches; unknown for a model without training files. */
  readonly context: number | undefined;
}

/** @throws CheckpointError if there is none at `path`, or it is damaged */
export async function openCheckpoint(
  backend: Backend,
  path: string,
  compute: ComputeOptions = {},
): Promise<OpenCheckpoint> {
  const storage = await findCheckpoint(folderStorage(path));
  const model = await loadModel(backend, storage, compute);
  const own = (await storage.size('tokenizer.json')) !== undefined;
  const tokenizer = own ? await tokenizerFromJSON(await readJson(storage, 'tokenizer.json', 2 ** 26)) : byteTokenizer();
  const context = (await readTraining(storage))?.context;
  return { path: storage.path, name: variantOf(model.config), model, tokenizer, context };
}
