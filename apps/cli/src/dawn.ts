// WebGPU in Node: Dawn, a package of its own, which is large and need not be there.

import { webgpu } from '@sympow/backend-webgpu';
import { BackendError, type BackendFactory } from '@sympow/kernels';
import { existsSync } from 'node:fs';
import type * as Dawn from 'webgpu';

/** Where Linux shows a GPU to programs. Dawn complains on standard error where it finds none. */
const gpuFiles = ['/dev/dri', '/dev/nvidiactl', '/dev/kfd', '/dev/dxg'];

/**
 * The WebGPU backend on the GPU that Dawn finds.
 *
 * @param software - whether an adapter that computes on the CPU will do
 */
export function throughDawn({ software }: { readonly software: boolean }): BackendFactory {
  const open = async () => {
    if (!software && process.platform === 'linux' && !gpuFiles.some((file) => existsSync(file))) {
      throw new BackendError({
        what: 'the GPU',
        value: 'not there',
        message: 'there is no GPU',
        expected: `one of ${gpuFiles.join(', ')}`,
      });
    }
    let dawn: typeof Dawn;
    try {
      dawn = await import('webgpu');
    } catch (cause) {
      throw new BackendError({
        what: 'the package webgpu',
        value: 'not there',
        message: 'the package webgpu cannot be loaded',
        expected: 'Dawn for Node',
        remedy: 'Install it with npm install webgpu.',
        cause,
      });
    }
    return webgpu({ gpu: dawn.create([]), software }).open();
  };
  return { name: 'webgpu', open };
}
