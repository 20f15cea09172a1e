// WebGPU in Node: Dawn, a package of its own, which is large and need not be there.

import { webgpu, type WebGpuOptions } from '@sympow/backend-webgpu';
import { BackendError, type BackendFactory } from '@sympow/kernels';
import type * as dawnPackage from 'webgpu';
import { optionalPackage } from './optional';

/** Where Linux shows a GPU to programs. Dawn complains on standard error where it finds none. */
const gpuFiles = ['/dev/dri', '/dev/nvidiactl', '/dev/kfd', '/dev/dxg'];

const enable = 'enable-dawn-features=';

/** Options of Dawn with more switches: it listens to the last list of them alone. */
function withToggles(dawn: readonly string[], toggles: readonly string[]): string[] {
  const own = dawn.flatMap((option) => (option.startsWith(enable) ? option.slice(enable.length).split(',') : []));
  const all = [...own, ...toggles];
  const rest = dawn.filter((option) => !option.startsWith(enable));
  return all.length > 0 ? [...rest, enable + all.join()] : rest;
}

/**
 * The version of Dawn that `webgpu` computes through in Node; undefined where that package is not there.
 *
 * @example
 * ```ts
 * import { dawnVersion } from '@sympow/backends';
 * console.log(dawnVersion() ?? 'no Dawn here');
 * ```
 */
export function dawnVersion(): string | undefined {
  try {
    const { createRequire } = process.getBuiltinModule('node:module');
    const { version } = createRequire(import.meta.url)('webgpu/package.json') as { version: string };
    return version;
  } catch {
    return undefined;
  }
}

/** The WebGPU backend on the GPU that Dawn finds. `software` says whether an adapter that computes on the CPU will do. */
export function throughDawn(options: WebGpuOptions, dawn: readonly string[]): BackendFactory {
  const open = async () => {
    const fs = globalThis.process?.getBuiltinModule?.('node:fs');
    if (!options.software && process.platform === 'linux' && fs && !gpuFiles.some((file) => fs.existsSync(file))) {
      throw new BackendError({
        what: 'the GPU',
        value: 'not there',
        message: 'there is no GPU',
        expected: `one of ${gpuFiles.join(', ')}`,
      });
    }
    const { create } = await optionalPackage<typeof dawnPackage>('webgpu');
    return webgpu({ gpu: (toggles) => create(withToggles(dawn, toggles)), ...options }).open();
  };
  return { name: 'webgpu', open };
}
