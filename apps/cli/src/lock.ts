// One process at a time in a run's folder: two that write checkpoints into it would each go on from the other's.

import { SympowError } from '@sympow/kernels';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Name of the file that says who is at work in a folder. */
const lockName = 'in-use.json';

/** A run that another process is working on. */
export class LockError extends SympowError {
  override readonly name = 'LockError';
  readonly code = 'LOCK';
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/**
 * The same events, while this process holds the folder. What a process that is gone has left is taken over.
 *
 * @throws LockError when another process is at work there
 */
export async function* locked<Event>(folder: string, events: AsyncIterable<Event>): AsyncGenerator<Event, void> {
  const path = join(folder, lockName);
  const acquired = acquire(folder, path);
  try {
    yield* events;
  } finally {
    if (acquired) rmSync(path, { force: true });
  }
}

/** False where nothing can be written, which the first checkpoint will say better. */
function acquire(folder: string, path: string): boolean {
  const own: Owner = { pid: process.pid, host: hostname() };
  for (;;) {
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, JSON.stringify(own), { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST' || !exists(path)) return false;
    }
    const owner = ownerOf(path);
    if (owner && alive(owner)) throw inUse(folder, path, owner);
    // Of several that find the same leftover, one moves it away.
    const leftover = `${path}.${process.pid}`;
    try {
      renameSync(path, leftover);
    } catch {
      continue;
    }
    rmSync(leftover, { force: true });
  }
}

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Undefined for a file that was being written when its process ended. */
function ownerOf(path: string): Owner | undefined {
  try {
    const { pid, host } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

/** A process on another machine cannot be asked, and counts as alive. */
function alive({ pid, host }: Owner): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

function inUse(folder: string, path: string, { pid, host }: Owner): LockError {
  return new LockError({
    what: folder,
    value: pid,
    message: `process ${pid} on ${host} is at work in ${folder}`,
    expected: 'a folder that nobody else writes to',
    remedy: `Wait for it or stop it; if it is gone, remove ${path}.`,
  });
}
