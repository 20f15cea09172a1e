/** The kernels of a backend behind the door, and bodies in place of those that it leaves out or declines. */

import type { Backend } from './api';
import { allBodies, entryOf, kernelNames } from './catalogue';
import type { Bodies, ComposedName, KernelArgs, KernelName, Kernels } from './catalogue';
import type { Arguments } from './catalogue/entry';
import { Door } from './door';
import { launch } from './recording';
import type { Sizes } from './sizes';
import { Widening, type HalfArguments } from './widening';

/** A kernel of a backend, unchecked. `sizes` holds for the time of the call. */
export type UncheckedKernel<K extends KernelName> = (args: KernelArgs<K>, sizes: Sizes) => void;

/** One that takes some calls only; the others go to the kernel's body. */
export interface ChoosyKernel<K extends KernelName> {
  accepts(args: KernelArgs<K>, sizes: Sizes): boolean;
  readonly run: UncheckedKernel<K>;
}

/** The kernels of a backend, unchecked: all, but for the composed ones that are left to their bodies. */
export type UncheckedKernels = {
  readonly [K in Exclude<KernelName, ComposedName>]: UncheckedKernel<K>;
} & {
  readonly [K in ComposedName]?: UncheckedKernel<K> | ChoosyKernel<K>;
};

/**
 * The same kernels behind a check of every argument, for the backend that they belong to.
 *
 * Arguments of float16 and bfloat16 reach a kernel as temporaries of the backend's own float, but for those that `halves`
 * says it takes as they are: `fill`, `cast` and `copyBlock` have to be among them.
 *
 * Each call throws ShapeError for tensors that do not fit together, ConfigError for options out of range, and BackendError
 * for tensors that were disposed of or belong to another backend.
 */
export function checked(kernels: UncheckedKernels, backend: Backend, halves: HalfArguments = {}): Kernels {
  return checkedWith(allBodies(), kernels, backend, halves);
}

/** {@link checked} with some bodies, so that a page need not load the others. */
export function checkedWith(bodies: Bodies, kernels: object, backend: Backend, halves: HalfArguments): Kernels {
  const own = kernels as Readonly<Record<string, Run | Choosy | undefined>>;
  const calls = kernelNames.flatMap((name) => {
    const kernel = composing(own[name], bodies[name] as Body | undefined, backend);
    return kernel ? [[name, behindDoor(name, kernel, backend, halves)] as const] : [];
  });
  return Object.fromEntries(calls) as unknown as Kernels;
}

/** A kernel that gets arguments which fit together, and the sizes that were read of them. */
export function behindDoor(name: KernelName, kernel: Run, backend: Backend, halves: HalfArguments) {
  const door = new Door(name, backend);
  const widening = new Widening(backend, door.tensors, door.lists, halves[name], entryOf(name).moves);
  return (args: Arguments): void => {
    const sizes = door.check(args);
    if (door.halves) widening.run(args, (wide) => kernel(wide, sizes));
    else kernel(args, sizes);
  };
}

/** A kernel, whichever it is. */
export type Run = (args: Arguments, sizes: Sizes) => void;
export interface Choosy {
  accepts(args: Arguments, sizes: Sizes): boolean;
  readonly run: Run;
}
type Body = (args: Arguments, home: Backend, sizes: Sizes) => void;

/** A kernel as a backend has it, its body for the calls that it does not take, or nothing. */
function composing(own: Run | Choosy | undefined, body: Body | undefined, backend: Backend): Run | undefined {
  if (typeof own === 'function') return (args, sizes) => launch(backend, own, args, sizes);
  if (!body) return undefined;
  return (args, sizes) => {
    if (own?.accepts(args, sizes)) launch(backend, own.run, args, sizes);
    else backend.scope(() => body(args, backend, sizes));
  };
}
