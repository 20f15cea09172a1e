// What processes that do one piece of work together say to each other. Who starts and connects them is not said here.

import { ConfigError, describeValue } from './errors';
import type { HalfType } from './halves';

/**
 * One of several processes, or of several runs in one. All of them make the same calls in the same order. A call may be made before earlier
 * ones are done, and without waiting a turn: it comes after them, and its numbers are left alone until it is done.
 */
export interface Communicator {
  /** Which one this is, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /**
   * Replaces numbers by their sums, or maxima, over all processes: the same to the last bit on each, and each time with the same
   * number of processes.
   *
   * @param format - in what sums travel; default `float32`. With halves each process rounds what it gives, float32 sums are made of that,
   * and those are rounded once.
   */
  allReduce(numbers: Float32Array, operation: 'sum' | 'max', format?: 'float32' | HalfType): Promise<void>;
  /** The bytes that the process `root` has; those that others give are not looked at. */
  broadcast(bytes: Uint8Array, root: number): Promise<Uint8Array>;
  /** Waits until all have come here. */
  barrier(): Promise<void>;
  /** Has every call that waits, and every later one, on all processes reject with this reason. */
  abort(reason: unknown): void;
}

/** One process alone: nothing is copied and nothing is waited for. */
export const oneProcess: Communicator = {
  rank: 0,
  size: 1,
  allReduce: () => Promise.resolve(),
  broadcast: (bytes) => Promise.resolve(bytes),
  barrier: () => Promise.resolve(),
  abort: () => undefined,
};

/** What every process has, in the order of their ranks: the same on all of them. */
export async function gather(communicator: Communicator, bytes: Uint8Array): Promise<Uint8Array[]> {
  const { rank, size } = communicator;
  const all: Uint8Array[] = [];
  for (let root = 0; root < size; root++) {
    all.push(await communicator.broadcast(root === rank ? bytes : new Uint8Array(), root));
  }
  return all;
}

/** {@link gather} for float64. */
export async function gatherNumbers(communicator: Communicator, numbers: readonly number[]): Promise<Float64Array[]> {
  const all = await gather(communicator, new Uint8Array(Float64Array.from(numbers).buffer));
  return all.map((bytes) => new Float64Array(bytes.slice().buffer));
}

/**
 * Ends all processes where one has something else than process 0: another version, another setting, other data. Facts are what JSON can say.
 *
 * @throws ConfigError, the same on all, that names the process and the first difference
 * @example
 * ```ts
 * import { oneProcess, requireSame } from '@sympow/core';
 * await requireSame(oneProcess, { version: '0.1.0', batch: 32 });
 * ```
 */
export async function requireSame(communicator: Communicator, facts: Readonly<Record<string, unknown>>): Promise<void> {
  if (communicator.size === 1) return;
  const told = await gather(communicator, new TextEncoder().encode(JSON.stringify(facts)));
  const all = told.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
  const [first, ...others] = all as [Record<string, unknown>, ...Record<string, unknown>[]];
  for (const [i, own] of others.entries()) {
    for (const key of new Set([...Object.keys(first), ...Object.keys(own)])) {
      if (JSON.stringify(own[key]) === JSON.stringify(first[key])) continue;
      throw new ConfigError({
        what: `${key} of rank ${i + 1}`,
        value: own[key],
        expected: `${describeValue(first[key])}, as rank 0 has`,
        remedy: 'Start all processes with the same program, options and data.',
      });
    }
  }
}

/**
 * Pieces of work in rounds of one for each process, so that every piece is done by one of them, whole, and what they find can be put
 * together in the order of the pieces: the same for any number of processes. The last round may have fewer.
 *
 * @example
 * ```ts
 * for await (const round of rounds(texts, communicator)) {
 *   const own = round[communicator.rank];
 *   const lengths = await gatherNumbers(communicator, own === undefined ? [] : [own.length]);
 *   console.log(lengths.slice(0, round.length));
 * }
 * ```
 */
export async function* rounds<Piece>(
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  { size }: Communicator,
): AsyncGenerator<readonly Piece[], void, undefined> {
  let round: Piece[] = [];
  for await (const piece of pieces) {
    round.push(piece);
    if (round.length < size) continue;
    yield round;
    round = [];
  }
  if (round.length > 0) yield round;
}

/**
 * What several processes tell while they work. With `isLast`, process 0 tells all of it and the others the last event alone; without, all
 * tell all. Where one ends with an error, or its reader leaves before the end, the others do not wait for ever.
 */
export function together<Event, Result>(
  communicator: Communicator,
  events: AsyncGenerator<Event, Result, undefined>,
  isLast?: (event: Event) => boolean,
): AsyncGenerator<Event, Result, undefined> {
  return communicator.size === 1 ? events : guarded(communicator, events, isLast);
}

async function* guarded<Event, Result>(
  communicator: Communicator,
  events: AsyncGenerator<Event, Result, undefined>,
  isLast: ((event: Event) => boolean) | undefined,
): AsyncGenerator<Event, Result, undefined> {
  const { rank } = communicator;
  let reason: unknown = new DOMException(`process ${rank} left before the end`, 'AbortError');
  try {
    for (;;) {
      const next = await events.next();
      const last = next.done || isLast?.(next.value);
      if (last) reason = undefined;
      if (next.done) return next.value;
      if (last || rank === 0 || !isLast) yield next.value;
    }
  } catch (error) {
    reason = error;
    throw error;
  } finally {
    if (reason !== undefined) communicator.abort(reason);
    await events.return(undefined as Result);
  }
}
