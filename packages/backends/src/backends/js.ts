import { js } from '@sympow/kernels';
import type { BackendEntry } from '../api';

/** Plain TypeScript, everywhere. */
export const jsEntry: BackendEntry = {
  name: 'js',
  make: ({ own }) => js(own),
};
