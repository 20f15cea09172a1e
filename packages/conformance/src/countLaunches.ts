// Counting what a backend launches: for tests of how many kernels a step or a token takes.
import type { Backend, Kernels } from '@sympow/kernels';

/** What was launched. */
export interface LaunchCounter {
  /** Launches by the name of the kernel since the last {@link reset}, the most frequent first. */
  launches(): ReadonlyMap<string, number>;
  /** Forgets what was counted. */
  reset(): void;
  /** Puts the kernels of the backend back. */
  stop(): void;
}

/**
 * Puts a counter in front of the kernels of a backend, in the backend itself: tensors know the backend that made them, and what
 * is launched by way of a tensor counts too.
 *
 * @example
 * ```ts
 * import { countLaunches } from '@sympow/conformance';
 * import { js } from '@sympow/kernels';
 * const backend = await js().open();
 * const counter = countLaunches(backend);
 * const [x, y] = [backend.upload([1, 2], [2]), backend.empty([2])];
 * backend.kernels.add({ a: x, b: x, y });
 * console.log(counter.launches().get('add')); // 1
 * ```
 */
export function countLaunches(backend: Backend): LaunchCounter {
  const counts = new Map<string, number>();
  const inside = backend.kernels;
  const counting = Object.entries(inside).map(([name, launch]) => [
    name,
    (args: never) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      (launch as (args: never) => void)(args);
    },
  ]);
  const put = (kernels: Kernels) => Object.defineProperty(backend, 'kernels', { value: kernels, configurable: true });
  put(Object.fromEntries(counting) as Kernels);
  return {
    launches: () => new Map([...counts].sort(([, a], [, b]) => b - a)),
    reset: () => counts.clear(),
    stop: () => void put(inside),
  };
}
