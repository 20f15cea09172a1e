import type { BackendEntry } from '../api';
import { throughDawn } from '../dawn';
import { webgpu } from '@sympow/backend-webgpu';

/** The GPU: that of the browser, or what Dawn finds. */
export const webgpuEntry: BackendEntry = {
  name: 'webgpu',
  make({ dawn = [], own }, auto) {
    // Many a CPU has a driver that makes it look like a GPU; the other backends are much faster than that.
    const options = { software: !auto, ...own };
    const inPage = 'gpu' in (globalThis.navigator ?? {});
    return inPage ? webgpu(options) : throughDawn(options, dawn);
  },
};
