// What processes that do one piece of work together say to each other. Who starts and connects them is not said here.

/** One of several processes, or of several runs in one. All of them make the same calls in the same order. */
export interface Communicator {
  /** Which one this is, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /**
   * Replaces numbers by their sums, or maxima, over all processes: the same to the last bit on each, and each time with the same
   * number of processes.
   */
  allReduce(numbers: Float32Array, operation: 'sum' | 'max'): Promise<void>;
  /** The bytes that the process `root` has. */
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
