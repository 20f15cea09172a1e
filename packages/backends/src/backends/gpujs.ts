import type * as gpujsPackage from '@sympow/backend-gpujs';
import type { BackendEntry } from '../api';
import { optionalPackage } from '../optional';

/** gpu.js: WebGL 2, or plain JavaScript. */
export const gpujsEntry: BackendEntry = {
  name: 'gpujs',
  byNameAlone: true,
  make: ({ own }) => ({
    name: 'gpujs',
    open: async () => {
      const { gpujs } = await optionalPackage<typeof gpujsPackage>('@sympow/backend-gpujs');
      return gpujs(own).open();
    },
  }),
};
