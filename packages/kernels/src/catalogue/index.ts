/** The catalogue: every kernel by name, and what is made of its entry. */

import { catalogue } from './entries';
import type { Composed, Entry } from './entry';

export { catalogue, definitions } from './entries';

/** The name of a kernel. */
export type KernelName = keyof typeof catalogue;

/** The arguments of a kernel. */
export type KernelArgs<K extends KernelName> = (typeof catalogue)[K] extends Entry<infer Args> ? Args : never;

/**
 * The kernels of a backend. A kernel overwrites its outputs entirely unless it says otherwise, allocates nothing that outlives
 * The call, and is enqueued, not awaited. Outputs may not share memory with inputs except where stated. `XBackward` takes the
 * gradients of X's outputs (`dy` for `y`) and writes those of its inputs.
 */
export type Kernels = { readonly [K in KernelName]: (args: KernelArgs<K>) => void };

/** The names of those that have a body. */
export type ComposedName = {
  [K in KernelName]: (typeof catalogue)[K] extends { body: unknown } ? K : never;
}[KernelName];

/** An entry whose arguments nobody here looks into. */
export type AnyEntry = Entry<never>;

/** What an entry says about the kernel of this name. */
export function entryOf(name: KernelName): AnyEntry {
  return catalogue[name];
}

/** The body of a composed kernel. */
export function bodyOf(name: KernelName): Composed<never>['body'] | undefined {
  const entry: AnyEntry & Partial<Composed<never>> = catalogue[name];
  return entry.body?.bind(entry);
}

/** All kernels, in the order of the list. */
export const kernelNames: readonly KernelName[] = /* @__PURE__ */ namesOf();

function namesOf(): KernelName[] {
  return Object.keys(catalogue) as KernelName[];
}
