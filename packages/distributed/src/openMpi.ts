/** The communicator of Open MPI, whose calls a thread of its own makes. */

import { isSympowError, messageOf, type ErrorDetails, type HalfType } from '@sympow/core';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Launch, MpiCommunicator, MpiOptions } from './api';
import { DistributedError } from './errors';
import { launch } from './launch';

/** What the thread tells. */
type Told =
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly details: ErrorDetails }
  | { readonly type: 'aborted'; readonly told: string }
  | { readonly type: 'silent'; readonly peer: number; readonly silence: number };

/** An error on its way to the other processes. */
interface Reason {
  readonly rank: number;
  readonly problem: string;
  readonly expected?: string | undefined;
  readonly remedy?: string | undefined;
}

interface Opened {
  readonly rank: number;
  readonly size: number;
  readonly hosts: readonly string[];
  readonly version: string;
}

/** Milliseconds that an abort may take to be told. */
const farewell = 500;

/**
 * The processes that `mpirun -n N` or `srun --mpi=pmix` has started, as a `Communicator`. A process that was started alone is alone, which
 * needs no MPI and costs nothing.
 *
 * A thread makes the calls: signals and timers are served while they last, and what is computed meanwhile goes on. Each process gives a
 * sign of life every second. Where one has given none for `silence` milliseconds, every call rejects with its rank and its machine.
 *
 * @throws DistributedError where koffi or Open MPI is missing, where the library or the launcher is MPICH's, or if the library counts other
 * processes than the launcher
 * @example
 * ```ts
 * import { openMpi } from '@sympow/distributed';
 * const communicator = await openMpi();
 * const numbers = Float32Array.of(1, 2);
 * await communicator.allReduce(numbers, 'sum');
 * console.log(communicator.size, numbers[1]); // 1 2
 * await communicator.close();
 * ```
 */
export async function openMpi({ library, silence = 6000, env }: MpiOptions = {}): Promise<MpiCommunicator> {
  const place = launch(env);
  if (!place || place.size === 1) return new Alone();
  const opened = new Crew(place, library, silence);
  await opened.open();
  return opened;
}

class Alone implements MpiCommunicator {
  readonly rank = 0;
  readonly size = 1;
  readonly localRank = 0;
  readonly hosts = [hostname()];
  readonly version = undefined;
  allReduce = () => Promise.resolve();
  broadcast = (bytes: Uint8Array) => Promise.resolve(bytes);
  barrier = () => Promise.resolve();
  abort = () => undefined;
  close = () => Promise.resolve();
}

/** What waits for an answer of the thread. */
interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

class Crew implements MpiCommunicator {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  hosts: readonly string[] = [];
  version: string | undefined;
  private readonly control = new Int32Array(new SharedArrayBuffer(4));
  private readonly thread: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private ended: { readonly reason: unknown } | undefined;
  private gone = false;
  private last = 0;
  /** Shared memory by its length, for numbers that are not in such. */
  private readonly spare = new Map<number, Float32Array<SharedArrayBuffer>[]>();

  constructor(
    private readonly place: Launch,
    library: string | undefined,
    silence: number,
  ) {
    this.rank = place.rank;
    this.size = place.size;
    this.localRank = place.localRank;
    this.thread = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { control: this.control, library, silence },
    });
    this.thread.unref();
    this.thread.on('message', (told: Told) => this.hear(told));
    this.thread.on('error', (cause: unknown) => {
      this.end(new DistributedError({ ...failure, message: `the thread that speaks MPI: ${messageOf(cause)}`, cause }));
    });
    this.thread.on('exit', () => {
      this.gone = true;
      this.end(new DistributedError(failure));
    });
  }

  async open(): Promise<void> {
    const { rank, size, hosts, version } = (await this.answer(0)) as Opened;
    this.hosts = hosts;
    this.version = version;
    if (rank === this.rank && size === this.size) return;
    const error = new DistributedError({
      what: 'the number of processes',
      value: size,
      message: `the library counts ${size} processes and this is number ${rank}`,
      expected: `${this.size} and number ${this.rank}, as the launcher says`,
      remedy: 'Start with the mpirun of the same Open MPI as the library, or give its path.',
    });
    this.end(error);
    await this.thread.terminate();
    throw error;
  }

  async allReduce(
    numbers: Float32Array,
    operation: 'sum' | 'max',
    format: 'float32' | HalfType = 'float32',
  ): Promise<void> {
    if (numbers.length === 0) return;
    const own = operation === 'sum' ? format : 'float32';
    if (numbers.buffer instanceof SharedArrayBuffer) {
      await this.ask({ call: 'allReduce', numbers, operation, format: own });
      return;
    }
    const shared = this.borrow(numbers.length);
    shared.set(numbers);
    await this.ask({ call: 'allReduce', numbers: shared, operation, format: own });
    numbers.set(shared);
    this.spare.get(shared.length)?.push(shared);
  }

  async broadcast(bytes: Uint8Array, root: number): Promise<Uint8Array> {
    const own = root === this.rank;
    const shared = new Uint8Array(new SharedArrayBuffer(own ? bytes.length : 0));
    if (own) shared.set(bytes);
    const got = (await this.ask({ call: 'broadcast', bytes: shared, root })) as Uint8Array | undefined;
    return own ? bytes : new Uint8Array(got!);
  }

  async barrier(): Promise<void> {
    await this.ask({ call: 'barrier' });
  }

  abort(reason: unknown): void {
    if (this.ended) return;
    const told = JSON.stringify(this.describe(reason));
    this.end(reason);
    this.post({ call: 'abort', told });
  }

  async close(): Promise<void> {
    if (this.ended) {
      // It ends by itself when all are told.
      if (!this.gone) {
        this.thread.ref();
        await new Promise((resolve) => {
          this.thread.once('exit', resolve);
          setTimeout(resolve, farewell);
        });
      }
      await this.thread.terminate();
      return;
    }
    await this.ask({ call: 'close' });
    this.ended = { reason: new DistributedError({ ...failure, message: 'the communicator is closed' }) };
  }

  private async ask(job: object): Promise<unknown> {
    if (this.ended) throw this.ended.reason;
    return this.answer(this.post(job));
  }

  private answer(id: number): Promise<unknown> {
    this.thread.ref();
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  private post(job: object): number {
    const id = ++this.last;
    this.thread.postMessage({ id, ...job });
    Atomics.add(this.control, 0, 1);
    Atomics.notify(this.control, 0);
    return id;
  }

  private hear(told: Told): void {
    if (told.type === 'done') {
      this.waiting.get(told.id)?.resolve(told.value);
      this.waiting.delete(told.id);
      if (this.waiting.size === 0) this.thread.unref();
    } else if (told.type === 'failed') this.abort(new DistributedError(told.details));
    else if (told.type === 'aborted') this.end(this.errorOf(JSON.parse(told.told) as Reason));
    else {
      const { peer, silence } = told;
      this.abort(
        new DistributedError({
          what: `process ${peer}`,
          value: 'silent',
          message: `${this.nameOf(peer)} has not been heard of for ${silence / 1000} s: it is gone, it hangs, or the link is cut`,
          expected: 'a sign of life every second',
        }),
      );
    }
  }

  /** Has all that waits, and all that comes, reject. */
  private end(reason: unknown): void {
    this.ended ??= { reason };
    for (const { reject } of this.waiting.values()) reject(this.ended.reason);
    this.waiting.clear();
    this.thread.unref();
  }

  private nameOf(rank: number): string {
    const host = this.hosts[rank];
    return host === undefined ? `rank ${rank}` : `rank ${rank} on ${host}`;
  }

  private describe(reason: unknown): Reason {
    const { rank } = this;
    if (!isSympowError(reason)) return { rank, problem: messageOf(reason).slice(0, 1000) };
    const { problem, expected, remedy } = reason;
    return { rank, problem: problem.slice(0, 1000), expected: expected.slice(0, 300), remedy: remedy?.slice(0, 300) };
  }

  private errorOf({ rank, problem, expected, remedy }: Reason): DistributedError {
    return new DistributedError({
      what: `process ${rank}`,
      value: problem,
      message: `${this.nameOf(rank)}: ${problem}`,
      expected: expected ?? 'all processes to go on',
      ...(remedy !== undefined && { remedy }),
    });
  }

  private borrow(length: number): Float32Array<SharedArrayBuffer> {
    const spare = this.spare.get(length) ?? [];
    this.spare.set(length, spare);
    return spare.pop() ?? new Float32Array(new SharedArrayBuffer(4 * length));
  }
}

const failure = {
  what: 'the thread that speaks MPI',
  value: 'gone',
  message: 'the thread that speaks MPI has ended',
  expected: 'it to answer',
};
