// Which backends there are, in the order in which `auto` tries them. The one place where this program names any.

import { wasm } from '@sympow/backend-wasm';
import { firstAvailable, js, type Backend, type BackendFactory } from '@sympow/kernels';
import type { Command } from 'commander';
import { whole } from './command';
import { UsageError } from './failure';

/** What a person can say about a backend. */
export interface BackendFlags {
  readonly backend: string;
  /** Threads that compute; by default as many as the backend finds good. Those with one thread ignore it. */
  readonly threads?: number | undefined;
}

/** One line per backend. */
export const backends: Readonly<Record<string, (flags: Pick<BackendFlags, 'threads'>) => BackendFactory>> = {
  wasm: ({ threads }) => wasm({ threads }),
  js: () => js(),
};

/** The options that every command which computes has. */
export function withBackend(command: Command): Command {
  return command
    .option('--backend <name>', `auto, ${Object.keys(backends).join(', ')}`, 'auto')
    .option(
      '--threads <n>',
      'threads that compute (default: one per processor, where the backend has threads)',
      whole('--threads'),
    );
}

/** Opens a backend by name; `auto` takes the first that can run here. */
export async function openBackend({ backend: name, threads }: BackendFlags): Promise<Backend> {
  if (name === 'auto') return firstAvailable(Object.values(backends).map((make) => make({ threads }))).open();
  const make = backends[name];
  if (!make) {
    const expected = `auto or one of ${Object.keys(backends).join(', ')}`;
    throw new UsageError({ what: '--backend', value: name, expected });
  }
  return make({ threads }).open();
}
