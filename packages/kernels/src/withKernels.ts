/** A backend with some kernels of the caller's own in place of those that came with it. */

import { requireKnownKeys } from '@sympow/core';
import type { Backend, BackendFactory } from './api';
import { kernelNames, type KernelArgs, type KernelName, type Kernels } from './catalogue';
import { behindDoor, type Choosy, type ChoosyKernel, type Run, type UncheckedKernel } from './checked';
import { launch, noteHostKernel } from './recording';
import type { Sizes } from './sizes';
import { movingHalves } from './widening';

/** A kernel that calls others. It runs in a scope of its own, and a recording keeps what it calls. */
export interface KernelBody<K extends KernelName> {
  body(args: KernelArgs<K>, sizes: Sizes): void;
}

/** Kernels by name. Of a {@link ChoosyKernel} the calls that it does not take go to the kernel that was there. */
export type OwnKernels = {
  readonly [K in KernelName]?: UncheckedKernel<K> | ChoosyKernel<K> | KernelBody<K>;
};

/**
 * The factory of a backend in which kernels of your own stand in place of those of the same name. Everything reaches them: models,
 * recordings, and the kernels that are made of others. They stand behind the door, so they get arguments that fit
 * together and the sizes that were read, and float16 and bfloat16 as temporaries of the backend's float.
 *
 * A function, or `run`, works on the handles of its tensors; the handle of a tensor of `js` is a typed array of its elements. It
 * calls no kernels. On a device that replays launches in a form of its own, webgpu, a recording in which it runs is not `complete`.
 * A `body` calls kernels: those of `inside`, which are as they were.
 *
 * @param own - makes the kernels, once the backend is open
 * @throws ConfigError, when opened, for a name that is no kernel's
 *
 * @example
 * ```ts
 * import { js, withKernels } from '@sympow/kernels';
 * const factory = withKernels(js(), (inside) => ({
 *   silu: {
 *     body({ x, y }) {
 *       console.log(`silu of ${x.size}`); // silu of 2
 *       inside.silu({ x, y });
 *     },
 *   },
 * }));
 * const backend = await factory.open();
 * const y = backend.empty([2]);
 * backend.kernels.silu({ x: backend.upload([0, 100], [2]), y });
 * console.log(await y.read()); // Float32Array [0, 100]
 * await backend.close();
 * ```
 */
export function withKernels(
  factory: BackendFactory,
  own: (inside: Kernels, backend: Backend) => OwnKernels,
): BackendFactory {
  return {
    name: factory.name,
    async open() {
      const backend = await factory.open();
      try {
        const kernels = { ...backend.kernels, ...replacing(own(backend.kernels, backend), backend) };
        // In the backend itself, which its tensors know.
        Object.defineProperty(backend, 'kernels', { value: kernels, configurable: true });
      } catch (error) {
        await backend.close();
        throw error;
      }
      return backend;
    },
  };
}

/** The caller's kernels behind a door. */
function replacing(own: OwnKernels, backend: Backend): Partial<Kernels> {
  requireKnownKeys('withKernels', own, Object.fromEntries(kernelNames.map((name) => [name, true as const])));
  const inside = backend.kernels as unknown as Readonly<Record<string, (args: object) => void>>;
  const calls = Object.entries(own as Record<string, Run | Choosy | { readonly body: Run }>).map(([name, kernel]) => {
    const run: Run = (args, sizes) => {
      if (typeof kernel !== 'function' && 'body' in kernel) backend.scope(() => kernel.body(args, sizes));
      else if (typeof kernel !== 'function' && !kernel.accepts(args, sizes)) inside[name]!(args);
      else {
        noteHostKernel(backend);
        launch(backend, typeof kernel === 'function' ? kernel : kernel.run, args, sizes);
      }
    };
    return [name, behindDoor(name as KernelName, run, backend, movingHalves)] as const;
  });
  return Object.fromEntries(calls);
}
