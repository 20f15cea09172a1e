/** From a folder or an address to a model that writes. */

import { findCheckpoint, loadModel, type LoadOptions } from '@sympow/model';
import { openStorage, type Storage } from '@sympow/storage';
import { onBackend, type BackendChoice } from './backend';
import { TextModel } from './textModel';
import { tokenizerOf } from './tokenizerOf';

/** Where it computes, and what `loadModel` of `@sympow/model` takes. */
export interface LoadTextOptions extends LoadOptions, BackendChoice {}

/**
 * The model in a folder: one that `save` wrote, the newest checkpoint of a run, or one of the families of Hugging Face that
 * `@sympow/model` reads.
 *
 * @param from - the path of a folder, its address (`https://…`), or any storage
 * @throws CheckpointError if there is none, it is damaged, or it lacks a tokenizer
 * @throws StorageError if a file cannot be read, or a server does not answer
 *
 * @example
 * ```ts
 * import { fit, load } from '@sympow/start';
 * const model = await fit('tick tock '.repeat(50), { steps: 5 });
 * await model.save('clock');
 * const same = await load('clock'); // or 'https://…'
 * console.log(same.tokenizer.name, same.model.config.layers); // chars 2
 * ```
 */
export async function load(from: string | Storage, { backend, ...options }: LoadTextOptions = {}): Promise<TextModel> {
  return onBackend({ backend }, async (open, owned) => {
    const folder = await findCheckpoint(typeof from === 'string' ? openStorage(from) : from);
    const model = await loadModel(open, folder, options);
    const { tokenizer } = await tokenizerOf(folder, model);
    return new TextModel(model, tokenizer, owned);
  });
}
