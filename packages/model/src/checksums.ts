/**
 * The checksums of a checkpoint: `checksums.json` lists the bytes and a hash of every file that was saved together. They are
 * made while files are written, and compared while files are read, so that nothing is read twice. A checkpoint without
 * `checksums.json`, and a file that it does not list, is read as it is.
 */

import { ContentHash } from '@sympow/kernels';
import { chunksOf, isStorageError, type FileContents, type Storage } from '@sympow/storage';
import { CheckpointError } from './errors';

/** The file that lists the others. */
export const CHECKSUMS = 'checksums.json';

const VERSION = 1;
const MAX_BYTES = 2 ** 20;
/** Bytes of a file that are read at once to check it. */
const PIECE = 2 ** 24;

interface Checksum {
  readonly bytes: number;
  readonly hash: string;
}

/** Makes the checksums of files while they are written. */
export class ChecksumRecord {
  private readonly files: Record<string, Checksum> = {};

  /** The same contents, which are listed once they were taken to their end. */
  async *of(name: string, contents: FileContents): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = new ContentHash();
    let bytes = 0;
    for await (const chunk of chunksOf(contents)) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
    this.files[name] = { bytes, hash: hash.digest() };
  }

  /** The contents of `checksums.json`. */
  toString(): string {
    return `${JSON.stringify({ version: VERSION, files: this.files }, null, 2)}\n`;
  }
}

/** A file is not the one that was saved. */
class Damage extends CheckpointError {}

/** Compares all of a file of a folder; nothing where the folder or the file has no checksum. */
type Verify = (name: string) => Promise<void>;
const verifiers = new WeakMap<Storage, Verify>();

/**
 * A folder whose files are compared with its `checksums.json` while they are read from their beginning on: what reads their
 * last byte rejects where they differ. The folder itself where it has no checksums.
 *
 * @param instead - a folder to use instead, named to the user where this one is damaged
 * @throws CheckpointError if `checksums.json` is damaged
 */
export async function checkedStorage(
  storage: Storage,
  instead: () => Promise<Storage | undefined> = async () => undefined,
): Promise<Storage> {
  if (verifiers.has(storage)) return storage;
  const damaged = async (name: string, value: unknown, problem: string, expected: string) => {
    const sound = await instead();
    const other = sound
      ? `${sound.path} is intact: use that, or move ${storage.path} away to go on from it.`
      : 'Use another copy of the checkpoint.';
    return new Damage({
      what: `${storage.path}/${name}`,
      value,
      message: `${storage.path}/${name} is not as it was saved: ${problem}`,
      expected,
      remedy: `${other} Where it was replaced on purpose, remove ${CHECKSUMS} beside it.`,
    });
  };

  const listed = await readChecksums(storage).catch(async (error: unknown) => {
    if (!(error instanceof UnreadableChecksums)) throw error;
    throw await damaged(CHECKSUMS, undefined, error.message, `what saving writes, version ${VERSION}`);
  });
  if (!listed) return storage;

  const places = new Map<string, { at: number; readonly hash: ContentHash }>();
  const read = async (name: string, begin = 0, end?: number): Promise<Uint8Array> => {
    const checksum = listed.get(name);
    if (!checksum) return storage.read(name, begin, end);
    const { bytes, hash } = checksum;
    const size = await storage.size(name);
    if (size !== bytes) {
      const problem = size === undefined ? 'it is missing' : `it has ${size} bytes`;
      throw await damaged(name, size, problem, `${bytes} bytes, as ${CHECKSUMS} says`);
    }
    const piece = await storage.read(name, begin, end);
    const place = places.get(name) ?? { at: 0, hash: new ContentHash() };
    places.set(name, place);
    const next = begin + piece.length;
    if (begin > place.at || (next <= place.at && bytes > 0)) return piece;
    place.hash.update(piece.subarray(place.at - begin));
    place.at = next;
    if (next === bytes) {
      const found = place.hash.digest();
      // A file that is not sound is not sound the next time either.
      if (found !== hash) places.delete(name);
      if (found !== hash) throw await damaged(name, found, `its hash is ${found}`, `${hash}, as ${CHECKSUMS} says`);
    }
    return piece;
  };

  const checked: Storage = {
    path: storage.path,
    list: () => storage.list(),
    size: (name) => storage.size(name),
    read,
    write: (name, contents) => storage.write(name, contents),
    rename: (from, to) => storage.rename(from, to),
    remove: (name) => storage.remove(name),
    folder: (name) => storage.folder(name),
  };
  verifiers.set(checked, async (name) => {
    const checksum = listed.get(name);
    if (!checksum) return;
    const { bytes } = checksum;
    places.delete(name);
    let at = 0;
    do at += (await read(name, at, Math.min(at + PIECE, bytes))).length;
    while (at < bytes);
  });
  return checked;
}

/** What `body` makes of a file; where that fails and the file is not as it was saved, that is the error. */
export async function orDamage<R>(storage: Storage, name: string, body: () => Promise<R>): Promise<R> {
  try {
    return await body();
  } catch (error) {
    const unsound = error instanceof CheckpointError || isStorageError(error, 'short', 'missing', 'large');
    if (unsound && !(error instanceof Damage)) await verifiers.get(storage)?.(name);
    throw error;
  }
}

/**
 * Reads every file of a checkpoint and compares it with its checksum.
 *
 * @returns the names of the files that have one; none for a checkpoint of an earlier version
 * @throws CheckpointError that names the first file that is missing or not as it was saved
 * @example
 * ```ts
 * await verifyCheckpoint(folderStorage('runs/first/checkpoints/step-00000100'));
 * // ['config.json', 'model.safetensors', …]
 * ```
 */
export async function verifyCheckpoint(storage: Storage): Promise<readonly string[]> {
  const names = [...((await readChecksums(storage)) ?? new Map<string, Checksum>()).keys()];
  const checked = await checkedStorage(storage);
  for (const name of names) await verifiers.get(checked)?.(name);
  return names;
}

/** Why `checksums.json` says nothing. */
class UnreadableChecksums extends Error {}

async function readChecksums(storage: Storage): Promise<Map<string, Checksum> | undefined> {
  const bytes = await storage.size(CHECKSUMS);
  if (bytes === undefined) return undefined;
  if (bytes > MAX_BYTES) throw new UnreadableChecksums(`it has ${bytes} bytes`);
  let found: { version?: unknown; files?: Record<string, Partial<Checksum> | null> } | null;
  try {
    found = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await storage.read(CHECKSUMS))) as typeof found;
  } catch (error) {
    if (isStorageError(error)) throw error;
    throw new UnreadableChecksums('it is no JSON');
  }
  if (found?.version !== VERSION) throw new UnreadableChecksums(`its version is ${String(found?.version)}`);
  const listed = new Map<string, Checksum>();
  for (const [name, checksum] of Object.entries(found.files ?? {})) {
    const { bytes: size, hash } = checksum ?? {};
    if (!Number.isSafeInteger(size) || size! < 0 || !/^[0-9a-f]{32}$/.test(String(hash))) {
      throw new UnreadableChecksums(`it says nothing of ${JSON.stringify(name)}`);
    }
    listed.set(name, { bytes: size!, hash: hash! });
  }
  return listed;
}
