// Which backends there are, in the order in which `auto` tries them. The one place where this program names any.

import { wasm } from '@sympow/backend-wasm';
import { firstAvailable, js, type Backend, type BackendFactory } from '@sympow/kernels';
import type { Command } from 'commander';
import { UsageError } from './failure';

/** One line per backend. */
export const backends: Readonly<Record<string, () => BackendFactory>> = {
  wasm: () => wasm(),
  js: () => js(),
};

/** The option that every command which computes has. */
export function withBackend(command: Command): Command {
  return command.option('--backend <name>', `auto, ${Object.keys(backends).join(', ')}`, 'auto');
}

/** Opens a backend by name; `auto` takes the first that can run here. */
export async function openBackend(name: string): Promise<Backend> {
  if (name === 'auto') return firstAvailable(Object.values(backends).map((make) => make())).open();
  const make = backends[name];
  if (!make)
    throw new UsageError({
      what: '--backend',
      value: name,
      expected: `auto or one of ${Object.keys(backends).join(', ')}`,
    });
  return make().open();
}
