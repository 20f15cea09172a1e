/** Types of this package. */

import type { Communicator } from '@sympow/core';

/** Where a process stands among those that were started with it. */
export interface Launch {
  /** Which one it is, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** Which one it is among those on its machine, from 0: each takes a GPU of its own by it. */
  readonly localRank: number;
}

/** How to meet the others. */
export interface MpiOptions {
  /** The shared library of Open MPI; by default the `libmpi` that the system finds. */
  readonly library?: string | undefined;
  /** Milliseconds without a sign of life after which a process counts as gone; default 6,000. Computing does not delay the signs. */
  readonly silence?: number | undefined;
  /** The variables of the launcher; default those of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The processes of one job. */
export interface MpiCommunicator extends Communicator, Launch {
  /** The machine of each process. */
  readonly hosts: readonly string[];
  /** What the library says that it is, with its version; nothing for one process alone, which loads none. */
  readonly version: string | undefined;
  /** Waits for the others and leaves. After an {@link Communicator.abort | abort} nothing is waited for but that it is told. */
  close(): Promise<void>;
}
