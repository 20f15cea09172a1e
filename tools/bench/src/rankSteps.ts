/** Training steps of one process among several, and where its time goes. */

import { textSource } from '@sympow/data';
import { openMpi } from '@sympow/distributed';
import type { BackendFactory } from '@sympow/kernels';
import { train } from '@sympow/training';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { modelOf, smallModel, trainingSizes } from './training';

/** What one process spent, in seconds per step, but for the loss. */
export interface RankSteps {
  /** By the clock: the median step. */
  readonly step: number;
  /** Processor time of the thread that computes. */
  readonly computing: number;
  /** Processor time of all others, of which one speaks MPI and the rest collect garbage. */
  readonly helping: number;
  /** The thread that computes waited for sums. */
  readonly waiting: number;
  /** It waited for a processor that other work had; 0 where the system does not say. */
  readonly queued: number;
  readonly loss: number;
}

const warmUp = 3;

/** Steps of the softmax model on one thread, with all processes that `mpirun` started. @returns what this one spent, where it is the first */
export async function rankSteps(
  factory: BackendFactory,
  quick: boolean,
  steps: number,
): Promise<RankSteps | undefined> {
  const communicator = await openMpi();
  const { layers, B, T } = trainingSizes(quick);
  const backend = await factory.open();
  const model = modelOf(backend, smallModel('softmax', layers));
  const data = textSource('Numbers that are summed while others are still made. '.repeat(2000));
  const batch = quick ? 4 * B : B;
  const seconds: number[] = [];
  let [last, loss] = [0, 0];
  let from = spent();
  for await (const event of train({ model, data, batch, context: T, steps: warmUp + steps, communicator })) {
    // Other processes than the first tell the end alone.
    if (event.type === 'end') loss = event.loss!;
    if (event.type !== 'step') continue;
    const now = performance.now();
    if (event.step > warmUp) seconds.push((now - last) / 1000);
    if (event.step === warmUp) from = spent();
    last = now;
  }
  const to = spent();
  await communicator.close();
  await backend.close();
  if (communicator.rank > 0) return undefined;
  const each = (of: keyof Spent) => (to[of] - from[of]) / steps;
  return {
    step: seconds.sort((a, b) => a - b)[seconds.length >> 1]!,
    computing: each('computing'),
    helping: each('all') - each('computing'),
    waiting: each('idle'),
    queued: each('queued'),
    loss,
  };
}

interface Spent {
  readonly all: number;
  readonly computing: number;
  readonly idle: number;
  readonly queued: number;
}

/** Seconds of this process so far. */
function spent(): Spent {
  const { user, system } = process.cpuUsage();
  const all = (user + system) / 1e6;
  const idle = performance.eventLoopUtilization().idle / 1000;
  try {
    const [computing = 0, queued = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8')
      .split(' ')
      .map((nanoseconds) => Number(nanoseconds) / 1e9);
    return { all, computing, idle, queued };
  } catch {
    return { all, computing: all, idle, queued: 0 };
  }
}
