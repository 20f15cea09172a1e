// One command in several processes: `mpirun -n 4 sympow train …`. Process 0 alone talks; the others can keep a log each.

import { ConfigError, gather, requireSame, type Communicator } from '@sympow/core';
import { launch, openMpi, type MpiCommunicator } from '@sympow/distributed';
import type { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOutput, type Output } from './output';

/** What a person can say about several processes. */
export interface RankFlags {
  readonly logAll?: true | undefined;
  readonly json?: true | undefined;
}

/** The option of commands that several processes can run together. */
export function withRanks(command: Command): Command {
  return command.option('--log-all', 'with mpirun: every process keeps a log, in the folder logs of --out');
}

/** The version of this program. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Which process this is; 0 where it is alone, or where nobody can say. */
export function ownRank(): number {
  try {
    return launch()?.rank ?? 0;
  } catch {
    return 0;
  }
}

/**
 * Runs `body` as one of the processes that a launcher has started, or alone. What fails in one ends all of them.
 *
 * @param folder - where logs go
 */
export async function amongRanks<R>(
  flags: RankFlags,
  folder: string,
  body: (communicator: MpiCommunicator, output: Output) => Promise<R>,
): Promise<R> {
  const spoken = ownRank() === 0 ? createOutput(flags.json === true) : silent;
  const communicator = await openMpi();
  const { rank, size, hosts } = communicator;
  const log = flags.logAll && size > 1 ? join(folder, 'logs', `rank-${rank}.log`) : undefined;
  const output = log === undefined ? spoken : alsoInto(log, spoken);
  try {
    await requireSame(communicator, { version: ownVersion(), command: process.argv[2] });
    const machines = new Set(hosts).size;
    if (size > 1) output.note(`${size} processes on ${machines} machine${machines > 1 ? 's' : ''}`);
    const result = await body(communicator, output);
    await communicator.close();
    return result;
  } catch (error) {
    if (log !== undefined) write(log, error instanceof Error ? (error.stack ?? error.message) : String(error));
    communicator.abort(error);
    await communicator.close();
    throw error;
  }
}

/**
 * Ends all where a folder that every process writes to is another one for some of them: each on a disk of its own.
 *
 * @throws ConfigError, the same on all, that names the process
 */
export async function requireOneFolder(communicator: Communicator, folder: string): Promise<void> {
  if (communicator.size === 1) return;
  const own = new TextEncoder().encode(`.rank-0-${randomUUID()}`);
  const mark = join(folder, new TextDecoder().decode(await communicator.broadcast(own, 0)));
  if (communicator.rank === 0) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(mark, '');
  }
  try {
    await communicator.barrier();
    const seen = await gather(communicator, Uint8Array.of(existsSync(mark) ? 1 : 0));
    const other = seen.findIndex(([sees]) => sees === 0);
    if (other < 0) return;
    throw new ConfigError({
      what: `the folder of rank ${other}`,
      value: folder,
      message: `rank ${other} does not see what rank 0 writes to ${folder}`,
      expected: 'a folder on a disk that all processes have in common',
      remedy: 'Put it there, or run each machine by itself and put the runs together with --merge.',
    });
  } finally {
    if (communicator.rank === 0) rmSync(mark, { force: true });
  }
}

/**
 * Waits until an error may be told, and says what stands before it. Where process 0 has the same or hears of it, it tells; the launcher then ends
 * the others, and this does not return.
 */
export async function turnToTell(): Promise<string> {
  const rank = ownRank();
  if (rank === 0) return '';
  await sleep(4000 + 100 * Math.min(rank, 20));
  return `rank ${rank} on ${hostname()}: `;
}

const nothing = () => undefined;
const silent: Output = {
  ...{ print: nothing, draw: nothing, write: nothing, note: nothing, progress: nothing },
  ...{ endProgress: nothing, json: nothing },
};

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, `${new Date().toISOString()} ${text}\n`);
}

/** The lines that stay, and now and then how it comes along, in a file too. */
function alsoInto(path: string, output: Output): Output {
  write(path, `process ${process.pid} on ${hostname()}`);
  return {
    ...output,
    print(text) {
      write(path, text);
      output.print(text);
    },
    note(text) {
      write(path, text);
      output.note(text);
    },
    progress(text) {
      write(path, text);
      output.progress(text);
    },
  };
}
