/** The catalogue: every kernel by name, and what is made of its entry. */

import type { Sizes } from '../sizes';
import type { Home } from '../tensor';
import { bodies, catalogue } from './entries';
import type { Entry } from './entry';

export { catalogue } from './entries';

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
export type ComposedName = NameIn<(typeof bodies)[number]>;
type NameIn<Bodies> = Bodies extends unknown ? keyof Bodies : never;

/** How a kernel is made of others, whichever it is. */
export type AnyBody = (args: never, home: Home & { readonly kernels: never }, sizes: Sizes) => void;
export type Bodies = Readonly<Partial<Record<KernelName, AnyBody>>>;

/** An entry whose arguments nobody here looks into. */
export type AnyEntry = Entry<never>;

/** What an entry says about the kernel of this name. */
export function entryOf(name: KernelName): AnyEntry {
  return catalogue[name];
}

/** All bodies by name. */
export function allBodies(): Bodies {
  return Object.assign({}, ...bodies) as Bodies;
}

/** The body of a composed kernel. */
export function bodyOf(name: KernelName): AnyBody | undefined {
  return allBodies()[name];
}

/** All kernels, in the order of the list. */
export const kernelNames: readonly KernelName[] = /* @__PURE__ */ namesOf();

function namesOf(): KernelName[] {
  return Object.keys(catalogue) as KernelName[];
}
