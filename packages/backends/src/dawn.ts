// WebGPU in Node: Dawn, a package of its own, which is large and need not be there.

import { webgpu, type WebGpuOptions } from '@sympow/backend-webgpu';
import { BackendError, type BackendFactory } from '@sympow/kernels';
import type * as dawnPackage from 'webgpu';
import { optionalPackage } from './optional';

/** Where Linux shows a GPU to programs. Dawn complains on standard error where it finds none. */
const gpuFiles = ['/dev/dri', '/dev/nvidiactl', '/dev/kfd', '/dev/dxg'];

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
    return webgpu({ gpu: create([...dawn]), ...options }).open();
  };
  return { name: 'webgpu', open };
}
