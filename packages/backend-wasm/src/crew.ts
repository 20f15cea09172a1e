/**
 * Threads that share the memory of one backend, and how a job is divided among them.
 *
 * A job is an export with its arguments and its tasks cut into parts. One word of a shared control block holds the number of
 * the job and how many parts nobody has taken yet; to take one is to count that word down by compare-and-exchange. The caller
 * takes parts like everybody else and then waits for those that others have: a thread that sleeps, or is gone, holds nobody up.
 * The words of a job change only when all its parts are done, so whoever read them before a successful claim read the right ones.
 */

import type * as workerThreads from 'node:worker_threads';
import { BackendError, DeviceLostError } from '@sympow/kernels';

/** Words of the control block, as in worker.js; arguments follow from byte 64 on as doubles. */
const word = {
  claim: 0,
  done: 1,
  parts: 2,
  kernel: 3,
  grain: 4,
  tasks: 5,
  count: 6,
  space: 7,
  bytes: 8,
  failed: 9,
  quit: 10,
};
const partBits = 14;
export const mostParts = 2 ** partBits - 1;
const mostArguments = 48;
/** Looks at the work of others before going to sleep. */
const looks = 3000;
/** Milliseconds between looks at whether those that have parts are still there. */
const glance = 100;
/** Milliseconds without any progress after which a thread counts as lost where nothing else tells. */
const patience = 60_000;

export type Exports = Readonly<Record<string, (...args: (number | boolean)[]) => number>>;

/** A worker of Node or of a browser, as far as it is used here. */
interface Thread {
  postMessage(message: unknown): void;
  terminate(): unknown;
  /**
   * Whether it has ended, known while this thread waits and gets no events. Only Node tells; a browser ends no worker by
   * itself.
   */
  ended?(): boolean;
}

interface Events {
  ready(): void;
  lost(reason: unknown): void;
}

/**
 * The times of a worker's event loop, where they can be asked for while this thread waits. Deno's workers have none, and
 * those of Bun are a stub that complains on standard error.
 */
function timesOf({ performance }: workerThreads.Worker) {
  const known = typeof performance?.eventLoopUtilization === 'function' && !globalThis.process?.versions?.bun;
  return known ? () => performance.eventLoopUtilization() : undefined;
}

function startInNode({ Worker }: typeof workerThreads, { ready, lost }: Events): Thread {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  const times = timesOf(worker);
  // Until it is ready the process has to stay for it; afterwards it holds nobody back.
  worker.once('message', () => {
    worker.unref();
    // Asked once while it lives, it can be asked for ever.
    times?.();
    ready();
  });
  worker.on('error', lost);
  worker.on('messageerror', lost);
  worker.once('exit', (code) => lost(`exit ${code}`));
  return {
    postMessage: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
    // With its event loop went its times.
    ...(times && { ended: () => times().idle < 0 }),
  };
}

function startInBrowser({ ready, lost }: Events): Thread {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ready;
  worker.onerror = ({ message }) => lost(message || 'its script did not load');
  worker.onmessageerror = () => lost('a message that it could not send');
  return worker;
}

const nodeThreads = () => globalThis.process?.getBuiltinModule?.('node:worker_threads');

/** Why threads cannot be had here, if they cannot. */
export function noThreads(): string | undefined {
  if (typeof SharedArrayBuffer === 'undefined')
    return 'no SharedArrayBuffer here (a page must be cross-origin isolated)';
  if (!nodeThreads() && typeof Worker === 'undefined') return 'no workers here';
  return undefined;
}

/** Processors that this process may use. */
export function processors(): number {
  return (
    globalThis.process?.getBuiltinModule?.('node:os')?.availableParallelism() ??
    globalThis.navigator?.hardwareConcurrency ??
    1
  );
}

export class Crew {
  private readonly words: Int32Array;
  private readonly numbers: Float64Array;
  private readonly numberOf: ReadonlyMap<string, number>;
  private readonly threads: Thread[] = [];
  private job = 0;
  private closed = false;
  /** Set once a thread is gone. */
  failure: DeviceLostError | undefined;
  /** A page may not sleep; a worker of one may, and so may Node. */
  private readonly mayWait = typeof document === 'undefined';

  private constructor(
    private readonly exports: Exports,
    private readonly control: SharedArrayBuffer,
    private readonly names: readonly string[],
  ) {
    this.words = new Int32Array(control, 0, 16);
    this.numbers = new Float64Array(control, 64);
    this.numberOf = new Map(names.map((name, i) => [name, i]));
  }

  /** Starts `count` threads beside the caller. @throws BackendError when one does not start */
  static async open(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    exports: Exports,
    count: number,
  ): Promise<Crew> {
    const names = Object.keys(exports);
    const crew = new Crew(exports, new SharedArrayBuffer(64 + 8 * mostArguments), names);
    try {
      await Promise.all(Array.from({ length: count }, (_, i) => crew.start({ module, memory, names, index: i + 1 })));
    } catch (error) {
      await crew.close();
      throw error;
    }
    return crew;
  }

  private start(message: {
    module: WebAssembly.Module;
    memory: WebAssembly.Memory;
    names: readonly string[];
    index: number;
  }) {
    return new Promise<void>((resolve, reject) => {
      const lost = (reason: unknown) => {
        clearTimeout(late);
        reject(
          new BackendError({
            what: 'a thread of the wasm backend',
            value: String(reason),
            expected: 'to start',
            remedy: 'Use threads: 1.',
            cause: reason,
          }),
        );
        if (!this.closed) this.fail(reason);
      };
      const ready = () => {
        clearTimeout(late);
        resolve();
      };
      const late = setTimeout(() => lost(`not there after ${patience / 1000} s`), patience);
      const node = nodeThreads();
      // What may be thrown at once: a file that must not be read, as in Deno, or a policy against workers.
      try {
        const thread = node ? startInNode(node, { ready, lost }) : startInBrowser({ ready, lost });
        this.threads.push(thread);
        thread.postMessage({ ...message, control: this.control });
      } catch (error) {
        lost(error);
      }
    });
  }

  /** Threads that compute, the caller's included. */
  get size(): number {
    return this.threads.length + 1;
  }

  /** Does `tasks` of an export, `grain` at a time. Thread i works in `bytes` of memory from `space` + i·bytes on. */
  run(
    name: string,
    tasks: number,
    grain: number,
    space: number,
    bytes: number,
    args: readonly (number | boolean)[],
  ): void {
    const { words, numbers } = this;
    const parts = Math.ceil(tasks / grain);
    args.forEach((value, i) => (numbers[i] = Number(value)));
    words[word.parts] = parts;
    words[word.kernel] = this.numberOf.get(name)!;
    words[word.grain] = grain;
    words[word.tasks] = tasks;
    words[word.count] = args.length;
    words[word.space] = space;
    words[word.bytes] = bytes;
    words[word.done] = 0;
    this.job = (this.job + 1) & (2 ** (32 - partBits) - 1);
    Atomics.store(words, word.claim, (this.job << partBits) | parts);
    Atomics.notify(words, word.claim);
    let error: unknown;
    const kernel = this.exports[name]!;
    for (;;) {
      const claim = Atomics.load(words, word.claim);
      const left = claim & mostParts;
      if (left === 0) break;
      if (Atomics.compareExchange(words, word.claim, claim, claim - 1) !== claim) continue;
      const from = (parts - left) * grain;
      try {
        kernel(from, Math.min(tasks, from + grain), ...args);
      } catch (caught) {
        error = caught;
      }
      Atomics.add(words, word.done, 1);
    }
    this.wait(parts);
    if (error !== undefined) throw error as Error;
    if (Atomics.exchange(words, word.failed, 0) !== 0) throw this.fail(`a failure in ${name}`);
  }

  /** Until all parts are done. */
  private wait(parts: number): void {
    const { words } = this;
    let seen = Atomics.load(words, word.done);
    let since = 0;
    for (let i = 0; seen !== parts; i++) {
      if (i > looks) {
        if (this.mayWait) Atomics.wait(words, word.done, seen, glance);
        since ||= Date.now();
      }
      const now = Atomics.load(words, word.done);
      const waited = now === seen && since > 0 ? Date.now() - since : 0;
      // A slow thread may take its time, as on a busy machine; one that has ended took its part along.
      if (waited >= glance && this.threads.some((thread) => thread.ended?.())) throw this.fail('ended');
      if (waited > patience) throw this.fail(`nothing for ${patience / 1000} s`);
      if (now !== seen) since = 0;
      seen = now;
    }
  }

  private fail(reason: unknown): DeviceLostError {
    this.failure ??= new DeviceLostError({
      what: 'a thread of the wasm backend',
      value: String(reason),
      expected: 'a live one',
      remedy: 'Open the backend again and go on from the last checkpoint.',
    });
    return this.failure;
  }

  async close(): Promise<void> {
    this.closed = true;
    Atomics.store(this.words, word.quit, 1);
    Atomics.notify(this.words, word.claim);
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }
}
