import { wasm } from '@sympow/backend-wasm';
import type { BackendEntry } from '../api';
import { engineFlags } from '../engineFlags';

/** WebAssembly, in wide tiles where the engine has been told to make the most of them. */
export const wasmEntry: BackendEntry = {
  name: 'wasm',
  make: ({ threads, engineFlags: mode = 'auto', own }) => ({
    name: 'wasm',
    open: async () => wasm({ threads, wide: (await engineFlags(mode)).flags.length > 0, ...own }).open(),
  }),
};
