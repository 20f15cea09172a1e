// What became of the flags of the engine in this process. What decides is loaded where there is something to decide.
import type { EngineFlagMode, EngineFlags } from './api';

/** The first version of Node that is faster with it; 22 is slower. */
const since = 24;

let decided: Promise<EngineFlags> | undefined;

/**
 * Sets flags of V8 that make WebAssembly faster, before the modules that they are for are compiled, and tests them; once per process.
 *
 * @param mode - `off` sets none
 * @example
 * ```ts
 * import { engineFlags } from '@sympow/backends';
 * const { flags, reason } = await engineFlags('off');
 * console.log(flags, reason); // [] switched off
 * ```
 */
export function engineFlags(mode: EngineFlagMode): Promise<EngineFlags> {
  if (mode === 'off') return Promise.resolve({ flags: [], reason: 'switched off' });
  return (decided ??= decide());
}

async function decide(): Promise<EngineFlags> {
  const { process } = globalThis as { process?: NodeJS.Process };
  const isNode = process?.release?.name === 'node' && !('deno' in process.versions) && !('bun' in process.versions);
  if (!isNode) return { flags: [], reason: 'they are those of Node' };
  const version = Number(process.versions.node.split('.')[0]);
  if (version < since) return { flags: [], reason: `Node ${version} gains nothing from them, Node ${since} does` };
  if (process.arch !== 'x64') return { flags: [], reason: `nothing to gain on ${process.arch}` };
  const { tested } = await import('./flagTest');
  return tested();
}
