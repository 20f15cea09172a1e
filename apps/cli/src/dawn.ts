// WebGPU in Node: Dawn, a package of its own, which is large and need not be there.

import { webgpu } from '@sympow/backend-webgpu';
import { BackendError, type BackendFactory } from '@sympow/kernels';
import { existsSync } from 'node:fs';
import { optionalPackage } from './optional';

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
    const { create } = await optionalPackage('webgpu', () => import('webgpu'));
    return webgpu({ gpu: create([]), software }).open();
  };
  return { name: 'webgpu', open };
}
