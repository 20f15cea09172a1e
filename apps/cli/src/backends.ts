// Which backends there are, in the order in which `auto` tries them. The one place where this program names any.

import { wasm } from '@sympow/backend-wasm';
import { firstAvailable, js, type Backend, type BackendFactory } from '@sympow/kernels';
import type { Command } from 'commander';
import { oneOf, whole } from './command';
import { throughDawn } from './dawn';
import { UsageError } from './failure';
import { optionalPackage } from './optional';
import { v8FlagModes, v8Flags, type V8FlagMode } from './v8Flags';

/** What a person can say about a backend. */
export interface BackendFlags {
  readonly backend: string;
  /** Threads that compute; by default as many as the backend finds good. Those with one thread ignore it. */
  readonly threads?: number | undefined;
  /** Whether flags of V8 may be set that make WebAssembly faster. */
  readonly v8Flags?: V8FlagMode | undefined;
}

/** What a line of {@link backends} is given. */
interface Choice extends Omit<BackendFlags, 'backend'> {
  /** Whether nobody asked for this backend by name. */
  readonly auto?: boolean;
}

/** In wide tiles where V8 has been told to make the most of them. */
const fastestWasm = ({ threads, v8Flags: mode = 'auto' }: Choice): BackendFactory => ({
  name: 'wasm',
  open: async () => wasm({ threads, wide: (await v8Flags(mode)).flags.length > 0 }).open(),
});

const throughGpuJs: BackendFactory = {
  name: 'gpujs',
  open: async () => {
    const { gpujs } = await optionalPackage('@sympow/backend-gpujs', () => import('@sympow/backend-gpujs'));
    return gpujs().open();
  },
};

/** One line per backend. */
export const backends: Readonly<Record<string, (choice: Choice) => BackendFactory>> = {
  // Many a CPU has a driver that makes it look like a GPU; the backends below are much faster than that.
  webgpu: ({ auto = false }) => throughDawn({ software: !auto }),
  wasm: fastestWasm,
  js: () => js(),
  gpujs: () => throughGpuJs,
};

/** There for where the others cannot run, and slower than they are here: `auto` passes them over. */
const byNameAlone: readonly string[] = ['gpujs'];

/** The options that every command which computes has. */
export function withBackend(command: Command): Command {
  return command
    .optionsGroup('Computing:')
    .option('--backend <name>', `auto, ${Object.keys(backends).join(', ')}`, 'auto')
    .option(
      '--threads <n>',
      'threads that compute (default: one per processor, where the backend has threads)',
      whole('--threads'),
    )
    .option(
      '--v8-flags <auto|off>',
      'auto: on Node 24 and later, faster WebAssembly through an experimental flag of V8 that passes a test first',
      oneOf('--v8-flags', v8FlagModes),
      'auto',
    );
}

/** Opens a backend by name; `auto` takes the first that can run here. */
export async function openBackend({ backend: name, ...flags }: BackendFlags): Promise<Backend> {
  if (name === 'auto') {
    const candidates = Object.entries(backends).filter(([each]) => !byNameAlone.includes(each));
    return firstAvailable(candidates.map(([, make]) => make({ ...flags, auto: true }))).open();
  }
  const make = backends[name];
  if (!make) {
    const expected = `auto or one of ${Object.keys(backends).join(', ')}`;
    throw new UsageError({ what: '--backend', value: name, expected });
  }
  return make(flags).open();
}
