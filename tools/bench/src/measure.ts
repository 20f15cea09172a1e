/**
 * The clock. Sides of a comparison take turns, round after round, so that a machine that is busy for a while is busy for all
 * of them; each is judged by the median of its rounds.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One side of a comparison. */
export interface Side {
  /** The work. Waited for when it is a promise. */
  run(): unknown;
  /** Waits for work that was only enqueued; part of the time. */
  settle?(): Promise<unknown>;
  /** Goes before each round, off the clock. */
  prepare?(): unknown;
}

/**
 * What time is. `cpu` is what the process was given of the processors: on a machine that is shared, the only time that
 * belongs to a computation on one thread. `wall` is for whatever computes on several threads or on another device.
 */
export type Clock = 'cpu' | 'wall';

const now: Readonly<Record<Clock, () => number>> = {
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  wall: () => performance.now(),
};

/** How long to measure. */
export interface Pace {
  readonly clock: Clock;
  /** Least time of one side's round; short work is repeated until it fills it. */
  readonly round: number;
  /** Time for each side to be compiled and to find its memory, before it counts. */
  readonly warmUp: number;
  /** Time for all rounds together, which decides their number between the least and the most. */
  readonly budget: number;
  readonly rounds: { readonly least: number; readonly most: number };
}

/** In milliseconds. */
export const paces = {
  full: { round: 50, warmUp: 300, budget: 2_500, rounds: { least: 3, most: 9 } },
  quick: { round: 20, warmUp: 100, budget: 600, rounds: { least: 3, most: 5 } },
} as const satisfies Record<string, Omit<Pace, 'clock'>>;

setFlagsFromString('--expose-gc');

/**
 * Collects what an earlier benchmark has left. Not for between rounds or races: a forced collection throws compiled code away
 * with the garbage, and kernels then run up to five times slower for a while. A collection that falls into a round is that
 * side's own cost, and the median does not see a rare one.
 */
export const collectGarbage = runInNewContext('gc') as () => void;

/** Median seconds of one run, for each side. */
export async function race<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  pace: Pace,
): Promise<Record<Name, number>> {
  const rounds = Object.entries<readonly number[]>(await laps(sides, pace));
  return Object.fromEntries(rounds.map(([name, seconds]) => [name, median(seconds)])) as Record<Name, number>;
}

/** Seconds of one run in every round, for each side. */
export async function laps<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  pace: Pace,
): Promise<Record<Name, readonly number[]>> {
  const runners = (Object.entries(sides) as [Name, Side][]).map(([name, side]) => ({
    name,
    side,
    runs: 1,
    seconds: [] as number[],
  }));
  let lap = 0;
  for (const runner of runners) {
    const estimate = await warmUp(runner.side, pace);
    runner.runs = Math.max(1, Math.ceil(pace.round / 1000 / estimate));
    lap += runner.runs * estimate;
  }
  const { least, most } = pace.rounds;
  const rounds = Math.min(most, Math.max(least, Math.round(pace.budget / 1000 / lap)));
  for (let round = 0; round < rounds; round++) {
    for (const { side, runs, seconds } of runners) {
      await side.prepare?.();
      seconds.push(await time(side, runs, pace.clock));
    }
  }
  const entries: [string, readonly number[]][] = runners.map(({ name, seconds }) => [name, seconds]);
  return Object.fromEntries(entries) as Record<Name, readonly number[]>;
}

/** Runs sides until they are compiled, for what is measured in many short races. */
export async function heat(sides: readonly Side[], pace: Pace): Promise<void> {
  for (const side of sides) await warmUp(side, { ...pace, warmUp: 4 * pace.warmUp });
}

/** Seconds of one run once warm: the last of the runs that filled the time. */
async function warmUp(side: Side, { clock, warmUp }: Pace): Promise<number> {
  const start = now[clock]();
  for (;;) {
    await side.prepare?.();
    const last = await time(side, 1, clock);
    if (now[clock]() - start >= warmUp) return Math.max(last, 1e-7);
  }
}

/** Seconds per run. */
async function time(side: Side, runs: number, clock: Clock): Promise<number> {
  const start = now[clock]();
  for (let run = 0; run < runs; run++) {
    const pending = side.run();
    if (pending instanceof Promise) await pending;
  }
  await side.settle?.();
  return (now[clock]() - start) / 1000 / runs;
}

/** The middle value, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
