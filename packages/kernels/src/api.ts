/**
 * The contract between a model and a device: what a tensor is, what a backend offers, and what every kernel means.
 *
 * It is not an array library: there is no broadcasting, no lazy evaluation and no automatic differentiation here. A kernel
 * is one call on tensors that its caller owns. What each one takes and means stands in its own file in `./catalogue`, with
 * its readable definition, which is what the `js` backend runs; `@sympow/conformance` holds every backend to it.
 *
 * Letters: B batch, T time, H query heads, G key/value heads (H is a multiple of G), d key size, e value size, p power,
 * D = C(d+p−1, p) embedded size, C chunk length, n = ⌈T/C⌉ chunks. Query head h reads key/value head ⌊h·G/H⌋.
 */

import type { Kernels } from './catalogue';
import type { Recording } from './recording';
import type { Home, Tensor } from './tensor';

export type { KernelArgs, KernelName, Kernels } from './catalogue';
export type { Recording } from './recording';
export type * from './tensor';

/** A device that computes. Open one through a {@link BackendFactory}; close it when done. */
export interface Backend extends Home {
  readonly kernels: Kernels;
  /**
   * Runs `body`, as `scope` does, and keeps what it launched, to be made again without checks, scopes and new tensors. What varies
   * from one time to the next has to stand in tensors that are made outside. Absent where a backend does not record.
   */
  record?(body: () => Tensor): Recording;
  /** Resolves when everything enqueued so far has run; rejects with the first error of the device. */
  finish(): Promise<void>;
  /** Gives everything back. Tensors of a closed backend cannot be used. */
  close(): Promise<void>;
  /** {@link close}: `await using backend = await js().open()` closes it at the end of a block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Something that can open a backend, or say why it cannot. */
export interface BackendFactory {
  readonly name: string;
  /** @throws BackendError that says why this backend cannot run here */
  open(): Promise<Backend>;
}
