/**
 * What calls leave behind when a backend refuses in the middle of them: for code above the kernels, which has to give back what
 * it allocated. A backend needs no test of this kind; see `contract` for those.
 */

import { BackendError, type Backend } from '@sympow/kernels';

const requests = ['empty', 'upload', 'view', 'write', 'read', 'readSync'] as const;

/**
 * Makes a call again and again; each time the backend refuses one request later, for memory, a transfer or a kernel, until the
 * call is through. Buffers that are live after a refused call and were not before it are leaks.
 *
 * @param call - the same each time; what it returns when it is through is its own to give back
 * @returns a line for each request whose refusal leaves buffers behind
 * @throws what the call throws by itself
 * @example
 * ```ts
 * expect(await leftBehind(backend, () => model.memory().dispose())).toEqual([]);
 * ```
 */
export async function leftBehind(backend: Backend, call: () => unknown): Promise<string[]> {
  const found: string[] = [];
  for (let number = 1; ; number++) {
    const before = backend.memory().liveBuffers;
    const refusal = refuse(backend, number);
    try {
      await call();
    } catch (error) {
      if (!refusal.request()) throw error;
    } finally {
      refusal.end();
    }
    const request = refusal.request();
    if (!request) return found;
    const more = backend.memory().liveBuffers - before;
    if (more !== 0) found.push(`request ${number}, ${request}: ${more} more live buffers`);
  }
}

/** Has a backend refuse one of its next requests. */
function refuse(backend: Backend, number: number): { request(): string | undefined; end(): void } {
  let left = number;
  let refused: string | undefined;
  function count(name: string): void {
    if (--left !== 0) return;
    refused = name;
    throw new BackendError({ what: name, value: 'refused', expected: 'a test that lets nothing leak' });
  }
  const watched = <F>(name: string, own: F): F =>
    ((...args: unknown[]) => {
      count(name);
      return (own as (...args: unknown[]) => unknown)(...args);
    }) as F;
  const { kernels } = backend;
  const put = (name: string, value: unknown) => Object.defineProperty(backend, name, { value, configurable: true });
  const before = new Map(requests.map((name) => [name, Object.getOwnPropertyDescriptor(backend, name)]));
  for (const name of requests) {
    const own = backend[name]?.bind(backend) as ((...args: unknown[]) => unknown) | undefined;
    if (own)
      put(name, name === 'read' ? async (...args: unknown[]) => watched(name, own)(...args) : watched(name, own));
  }
  const all = Object.entries(kernels).map(([name, kernel]) => [name, watched(name, kernel)] as const);
  put('kernels', Object.fromEntries<unknown>(all));
  return {
    request: () => refused,
    end: () => {
      put('kernels', kernels);
      for (const [name, own] of before) {
        if (own) Object.defineProperty(backend, name, own);
        else Reflect.deleteProperty(backend, name);
      }
    },
  };
}
