/** The catalogue: every kernel by name, and what is made of its entry. */

import * as entries from './entries';
import type { Entry } from './entry';

/** The entries by name. */
export const catalogue = entries;

/** The name of a kernel. */
export type KernelName = keyof typeof entries;

/** The arguments of a kernel. */
export type KernelArgs<K extends KernelName> = Parameters<(typeof entries)[K]['js']>[0];

/**
 * The kernels of a backend. A kernel overwrites its outputs entirely unless it says otherwise, allocates nothing that outlives
 * the call, and is enqueued, not awaited. Outputs may not share memory with inputs except where stated. `XBackward` takes the
 * gradients of X's outputs (`dy` for `y`) and writes those of its inputs.
 */
export type Kernels = { readonly [K in KernelName]: (args: KernelArgs<K>) => void };

/** An entry whose arguments nobody here looks into. */
export type AnyEntry = Entry<never>;

/** What an entry says about the kernel of this name. */
export function entryOf(name: KernelName): AnyEntry {
  return entries[name];
}

/** All kernels, in the order of the alphabet: a backward follows its forward. */
export const kernelNames: readonly KernelName[] = /* @__PURE__ */ namesOf(entries);

function namesOf(all: typeof entries): KernelName[] {
  return (Object.keys(all) as KernelName[]).sort();
}
