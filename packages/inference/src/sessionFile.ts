/** Sessions in files of a storage. */

import type { Model, Storage } from '@sympow/model';
import { Session } from './session';

/** Writes a session, which itself goes on unchanged. @throws CheckpointError if it cannot be written */
export async function saveSession(storage: Storage, name: string, session: Session): Promise<void> {
  await storage.write(name, await session.save());
}

/**
 * A session that goes on where a saved one stood.
 *
 * @throws CheckpointError if there is no such file, or as `Session.restore` does
 *
 * @example
 * ```ts
 * import { generate, loadSession, saveSession, Session } from '@sympow/inference';
 * import { js } from '@sympow/kernels';
 * import { memoryStorage, Model, modelConfig } from '@sympow/model';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const session = new Session(model);
 * for await (const { token } of generate(model, { prompt: [1, 2, 3], maxTokens: 2, session })) console.log(token);
 * const storage = memoryStorage(); // or folderStorage('conversations')
 * await saveSession(storage, 'ann.safetensors', session);
 * console.log((await loadSession(storage, 'ann.safetensors', model)).position); // 4
 * ```
 */
export async function loadSession(storage: Storage, name: string, model: Model): Promise<Session> {
  return Session.restore(model, await storage.read(name), `${storage.path}/${name}`);
}
