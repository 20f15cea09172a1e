/** Sessions in files of a storage. */

import type { Model, Storage } from '@sympow/model';
import { Session } from './session';

/** Writes a session, which itself goes on unchanged. @throws CheckpointError if it cannot be written */
export async function saveSession(storage: Storage, name: string, session: Session): Promise<void> {
  await storage.write(name, await session.save());
}

/** A session that goes on where a saved one stood. @throws CheckpointError if there is no such file, or as `Session.restore` does */
export async function loadSession(storage: Storage, name: string, model: Model): Promise<Session> {
  return Session.restore(model, await storage.read(name), `${storage.path}/${name}`);
}
