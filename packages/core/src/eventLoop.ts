/** Turns of the event loop between pieces of work, so that signals, timers and screens live while a backend computes. */

/** Not every runtime has it, so its type is not taken for granted either. */
const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Resolves in a later turn, without the delay of a timer where the runtime offers a way. */
export function nextTurn(): Promise<void> {
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  if (typeof MessageChannel !== 'function') return new Promise((resolve) => setTimeout(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/**
 * A function to await between short pieces of work: it takes a turn when the last one is `interval` milliseconds ago, and
 * returns at once otherwise.
 *
 * @example
 * ```ts
 * import { breathing } from '@sympow/core';
 * const breathe = breathing();
 * for (let i = 0; i < 1000; i++) await breathe(); // timers and signals are served about every 50 ms
 * ```
 */
export function breathing(interval = 50): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < interval) return undefined;
    return nextTurn().then(() => {
      last = performance.now();
    });
  };
}
