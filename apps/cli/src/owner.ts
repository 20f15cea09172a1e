// By what a process is known again, and whether it still lives. A number alone does not tell: it is given to other processes
// later, in containers soon and to many at one time.

import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, as a lock names it. What the system does not tell is left out. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When it began: no other process has had this number since then. */
  readonly started?: string | undefined;
  /** The kernel since it was started: containers of one machine have it in common. Linux only. */
  readonly boot?: string | undefined;
  /** Where the number is valid: each container counts its processes by itself. Linux only. */
  readonly space?: string | undefined;
}

export function thisProcess(): Owner {
  const { pid } = process;
  // In a container that shows the processes of another, numbers mean nothing.
  const seen = given(() => readlinkSync('/proc/self')) === String(pid);
  return {
    pid,
    host: hostname(),
    started: startOf(pid),
    boot: given(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    space: seen ? given(() => readlinkSync('/proc/self/ns/pid')) : undefined,
  };
}

/**
 * Whether a process lives; one that cannot be asked counts as alive.
 *
 * @param answers - asks one that runs in another container of this machine
 */
export async function alive(owner: Owner, answers: () => Promise<boolean>): Promise<boolean> {
  const own = thisProcess();
  if (owner.boot !== undefined && owner.boot === own.boot) {
    const here = owner.space !== undefined && owner.space === own.space;
    return here ? startOf(owner.pid) === owner.started : answers();
  }
  if (owner.host !== own.host) return true;
  // The machine was started again.
  if (owner.boot !== undefined && own.boot !== undefined) return false;
  if (owner.started !== undefined) return startOf(owner.pid) === owner.started;
  // Who asks does not hold it.
  return owner.pid !== own.pid && isThere(owner.pid);
}

/** When a process began, in the words of the system; undefined where there is none, or only what is left of one. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'win32') return undefined;
  if (process.platform !== 'linux') {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { env, encoding: 'utf8' }).stdout?.trim() || undefined;
  }
  const line = given(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // Its name, in brackets, may hold brackets and spaces. Behind it come the state and, 19 fields later, the start.
  const [state, ...rest] = line?.slice(line.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === undefined || /^[ZX]/.test(state) ? undefined : rest[18];
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

function given(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
