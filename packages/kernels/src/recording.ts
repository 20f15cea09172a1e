/**
 * Recordings: the launches of a part of a computation, to be made again with the numbers that its tensors hold by then. What is
 * done once is all else: shapes are checked, tensors are made and scopes end. A device may keep launches in a form of its own.
 */

import type { Sizes } from './sizes';
import type { Tensor } from './tensor';

/** What `Backend.record` keeps. Its tensors stay allocated until it is disposed of. */
export interface Recording {
  /** What `body` returned; every replay writes it anew. The recording's own. */
  readonly output: Tensor;
  /**
   * Whether a replay does all that `body` did. It does not where the host wrote to a tensor meanwhile, or called a kernel that the
   * device cannot launch again.
   */
  readonly complete: boolean;
  /** Makes the launches again. Every tensor that they read or write must live still. */
  replay(): void;
  dispose(): void;
}

type Arguments = Record<string, unknown>;

/** A kernel behind its door. */
export type OpenKernel = (args: Arguments, sizes: Sizes) => void;

interface Launch {
  readonly kernel: OpenKernel;
  readonly args: Arguments;
  readonly sizes: Sizes;
}

/** How launches are made again. */
export interface Replay {
  replay(): void;
  /** Gives back what that needs. */
  dispose(): void;
}

interface Notes {
  readonly backend: unknown;
  readonly list: Launch[];
  complete: boolean;
  /** Whether the device keeps launches in a form of its own, which knows its own kernels only. */
  readonly byDevice: boolean;
}

/** What is noted at the moment; a recording is synchronous, so there is one at a time. */
let notes: Notes | undefined;

/** Calls a kernel, and notes the call where its backend is recorded. What a kernel calls itself is part of it. */
export function launch(backend: unknown, kernel: OpenKernel, args: Arguments, sizes: Sizes): void {
  if (notes?.backend !== backend) {
    kernel(args, sizes);
    return;
  }
  const own = notes!;
  own.list.push({ kernel, args, sizes });
  notes = undefined;
  try {
    kernel(args, sizes);
  } finally {
    notes = own;
  }
}

/** Says that the host wrote to a tensor, which launches cannot do again. */
export function noteWrite(backend: unknown): void {
  if (notes?.backend === backend) notes!.complete = false;
}

/** Says that a kernel is called which the device does not know, so that a replay in the device's own form leaves it out. */
export function noteHostKernel(backend: unknown): void {
  if (notes?.backend === backend && notes?.byDevice) notes.complete = false;
}

/** Runs `body`, and says how to make again what it launched: in a form of the device's own, where it has one. */
export function recordingOf(
  backend: unknown,
  device: { record?(body: () => void): Replay },
  body: () => void,
): Replay & { readonly complete: boolean } {
  const outer = notes;
  const own: Notes = { backend, list: [], complete: true, byDevice: device.record !== undefined };
  notes = own;
  try {
    const { list } = own;
    if (device.record) return { ...device.record(body), complete: own.complete };
    body();
    const replay = () => {
      for (let i = 0; i < list.length; i++) list[i]!.kernel(list[i]!.args, list[i]!.sizes);
    };
    return { replay, dispose: () => undefined, complete: own.complete };
  } finally {
    notes = outer;
  }
}
