/** What a benchmark is, and what it says. */

import type { Backend } from '@sympow/kernels';
import type { Pace } from './measure';

/** One comparison of the same work done in two ways. */
export interface Result {
  /** Sizes and circumstances, short: `T=1024 forward`. */
  readonly shape: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: Unit;
}

/** A result as it is printed. */
export interface Row extends Result {
  /** The benchmark, or the benchmark and its part: `power/updateState`. */
  readonly name: string;
  readonly backend: string;
  /** How many times better ours is, whichever way the unit runs: above 1 always speaks for us. */
  readonly ratio: number;
  readonly node: string;
}

/** Units, and whether more of them or less is better. */
const better = {
  'GFLOP/s': 'more',
  'tokens/s': 'more',
  'Mentries/s': 'more',
  ms: 'less',
  bytes: 'less',
} as const;

export type Unit = keyof typeof better;

/** See {@link Row.ratio}. */
export function ratioOf({ ours, peer, unit }: Pick<Result, 'ours' | 'peer' | 'unit'>): number {
  return better[unit] === 'more' ? ours / peer : peer / ours;
}

/** What a benchmark is given. */
export interface Setting {
  readonly backend: Backend;
  /** Under which it stands in backends.ts. */
  readonly backendName: string;
  /** Opens another one of its kind; absent where threads cannot be chosen. Whoever calls it closes it. */
  readonly openWith?: ((threads: number) => Promise<Backend>) | undefined;
  /** Fewer and smaller shapes. */
  readonly quick: boolean;
  readonly pace: Pace;
  /** A file or a folder of text for benchmarks that read some. */
  readonly text?: string | undefined;
  /** A line for the person who waits; never part of the results. */
  readonly say: (line: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly summary: string;
  /** Whether a backend computes it; otherwise it is plain TypeScript and the rows name no backend. */
  readonly onBackend: boolean;
  /**
   * Checks and times.
   *
   * @throws WrongResult before anything is timed, when a result is not what it should be
   */
  run(setting: Setting): AsyncIterable<Result & { readonly part?: string }>;
}
