// One process at a time where something is written: two that save checkpoints into one folder would each go on from the
// other's.

import { randomUUID } from 'node:crypto';
import { contentHash, SympowError } from '@sympow/kernels';
import { makeFolder } from '@sympow/storage';
import { closeSync, linkSync, lstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alive, thisProcess, type Owner } from './owner';

/** Name of the file that says who is at work in a folder. */
const lockName = 'in-use.json';

/** A place that another process is working on. */
export class LockError extends SympowError {
  override readonly name = 'LockError';
  readonly code = 'LOCK';
}

/**
 * The same events, while this process holds the folder. What a process that is gone has left is taken over.
 *
 * @throws LockError when another process is at work there
 */
export async function* locked<Event>(folder: string, events: AsyncIterable<Event>): AsyncGenerator<Event, void> {
  const release = await acquire(folder, join(folder, lockName));
  try {
    yield* events;
  } finally {
    release();
  }
}

/** Runs `body` while this process holds the folder, as {@link locked}. */
export async function whileLocked<R>(folder: string, body: () => Promise<R>): Promise<R> {
  return holding(folder, join(folder, lockName), body);
}

/** Runs `body` while this process holds what a path will name: a file, or a folder that moves. The lock lies beside it. */
export async function whileLockedBeside<R>(path: string, body: () => Promise<R>): Promise<R> {
  return holding(path, `${path}.${lockName}`, body);
}

async function holding<R>(what: string, path: string, body: () => Promise<R>): Promise<R> {
  const release = await acquire(what, path);
  try {
    return await body();
  } finally {
    release();
  }
}

/** Returns what gives it back. Where nothing can be written nothing is held, which the first file will say better. */
async function acquire(what: string, path: string): Promise<() => void> {
  const text = JSON.stringify({ ...thisProcess(), id: randomUUID() });
  try {
    await makeFolder(dirname(path));
  } catch {
    return () => undefined;
  }
  for (;;) {
    try {
      if (claim(path, text)) break;
    } catch {
      return () => undefined;
    }
    const found = lockAt(path);
    if (found === undefined) continue;
    const owner = ownerIn(found);
    if (owner && (await alive(owner, () => answers(path)))) throw inUse(what, path, owner);
    await takeAway(what, path, found);
  }
  const silence = answer(path);
  return () => {
    silence();
    if (lockAt(path) === text) rmSync(path, { force: true });
  };
}

/** Makes a lock, whole from its first moment; false where there is one. */
function claim(path: string, text: string): boolean {
  const beside = `${path}.${randomUUID()}`;
  try {
    writeFileSync(beside, text, { flag: 'wx' });
    try {
      linkSync(beside, path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      // Some file systems know no links.
      writeFileSync(path, text, { flag: 'wx' });
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}

/**
 * Removes the lock of a process that is gone. Of several that find it one does, and only while it is still that one: who was
 * slower must not remove the lock of who was faster. A lock of its own, named after it, sees to that.
 */
async function takeAway(what: string, path: string, found: string): Promise<void> {
  const turn = `${path}.${contentHash(new TextEncoder().encode(found)).slice(0, 8)}`;
  let release;
  try {
    release = await acquire(what, turn);
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    await sleep(20);
    return;
  }
  try {
    if (lockAt(path) !== found) return;
    rmSync(socketOf(path), { force: true });
    rmSync(path, { force: true });
  } catch (cause) {
    throw strange(path, 'cannot be removed', cause);
  } finally {
    release();
  }
}

/** What a lock says; undefined where there is none. */
function lockAt(path: string): string | undefined {
  try {
    if (lstatSync(path).isFile()) return readFileSync(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw strange(path, 'cannot be read', cause);
  }
  throw strange(path, 'is no file');
}

/** Undefined for what no process of ours has written. */
function ownerIn(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    return typeof owner.pid === 'number' && typeof owner.host === 'string' ? (owner as Owner) : undefined;
  } catch {
    return undefined;
  }
}

function socketOf(path: string): string {
  return path.replace(/json$/, 'sock');
}

/**
 * Who holds a lock listens beside it, so that a process in another container, where its number means nothing, can ask
 * whether it lives: the kernel answers, also while it computes. Returns what ends it.
 */
function answer(path: string): () => void {
  if (process.platform !== 'linux') return () => undefined;
  const near = nearby(path);
  const server = createServer((caller) => caller.destroy()).unref();
  // Not every file system has sockets; without one it counts as alive.
  server.on('error', () => undefined).listen(near.path);
  return () => {
    server.close();
    near.done();
  };
}

/** Whether somebody listens beside a lock. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const near = nearby(path);
    const told = (alive: boolean) => {
      caller.destroy();
      near.done();
      resolve(alive);
    };
    const caller = connect(near.path);
    caller.on('connect', () => told(true));
    caller.on('error', (error) => told(codeOf(error) !== 'ECONNREFUSED'));
  });
}

/** The path of a socket, which may have a hundred letters at most, through its folder. */
function nearby(path: string): { readonly path: string; done(): void } {
  const socket = socketOf(path);
  const folder = openSync(dirname(socket), 'r');
  return { path: `/proc/self/fd/${folder}/${basename(socket)}`, done: () => closeSync(folder) };
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | null)?.code;
}

function strange(path: string, problem: string, cause?: unknown): LockError {
  const message = `${path} ${problem}`;
  return new LockError({ what: path, value: codeOf(cause), message, expected: 'a lock', remedy: 'Remove it.', cause });
}

function inUse(what: string, path: string, { pid, host }: Owner): LockError {
  return new LockError({
    what,
    value: pid,
    message: `process ${pid} on ${host} is at work in ${what}`,
    expected: 'a place that nobody else writes to',
    remedy: `Wait for it or stop it; if it is gone, remove ${path}.`,
  });
}
