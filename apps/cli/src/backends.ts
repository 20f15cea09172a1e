// The options of everything that computes, and the backend that they name.

import { backends, openBackend as open, type EngineFlagMode } from '@sympow/backends';
import type { Backend } from '@sympow/kernels';
import type { Command } from 'commander';
import { verified } from './boundsChecks';
import { oneOf, whole } from './command';
import { UsageError } from './failure';

/** What a person can say about a backend. */
export interface BackendFlags {
  readonly backend: string;
  /** Threads that compute; by default as many as the backend finds good. Those with one thread ignore it. */
  readonly threads?: number | undefined;
  /** Whether flags of V8 may be set that make WebAssembly faster. */
  readonly v8Flags?: EngineFlagMode | undefined;
  /** Whether a GPU checks indexes: `off` where `doctor` found that its numbers are right without. */
  readonly boundsChecks?: 'on' | 'off' | undefined;
}

const names = backends.map(({ name }) => name);

/** The options that every command which computes has. */
export function withBackend(command: Command): Command {
  return command
    .optionsGroup('Computing:')
    .option('--backend <name>', `auto, ${names.join(', ')}`, 'auto')
    .option(
      '--threads <n>',
      'threads that compute (default: one per processor, where the backend has threads)',
      whole('--threads'),
    )
    .option(
      '--v8-flags <auto|off>',
      'auto: on Node 24 and later, faster WebAssembly through an experimental flag of V8 that passes a test first',
      oneOf('--v8-flags', ['auto', 'off'] as const),
      'auto',
    )
    .option(
      '--bounds-checks <on|off>',
      'off: faster on many GPUs, allowed where sympow doctor --without-bounds-checks has passed',
      oneOf('--bounds-checks', ['on', 'off'] as const),
      'on',
    );
}

/** Opens a backend by name; `auto` takes the first that can run here. */
export async function openBackend({ backend: name, threads, v8Flags, boundsChecks }: BackendFlags): Promise<Backend> {
  if (name !== 'auto' && !names.includes(name)) {
    throw new UsageError({ what: '--backend', value: name, expected: `auto or one of ${names.join(', ')}` });
  }
  if (boundsChecks === 'off' && name !== 'webgpu') {
    throw new UsageError({
      what: '--bounds-checks off',
      value: `with --backend ${name}`,
      expected: '--backend webgpu',
    });
  }
  const own = boundsChecks === 'off' ? { boundsChecks, verified: verified() } : undefined;
  return (await open(name, { threads, engineFlags: v8Flags, own })).backend;
}
