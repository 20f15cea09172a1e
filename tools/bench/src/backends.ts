/** The backends that can be measured, one line each. */

import { gpujs } from '@sympow/backend-gpujs';
import { wasm } from '@sympow/backend-wasm';
import { webgpu } from '@sympow/backend-webgpu';
import { js, type BackendFactory } from '@sympow/kernels';
import type { Clock } from './measure';

export interface MeasuredBackend {
  /** `threads` is given only where `threaded`. */
  readonly factory: (threads?: number) => BackendFactory;
  readonly clock: Clock;
  /** Whether the number of threads can be chosen; rows for one and for two are then added where they say something. */
  readonly threaded?: boolean;
  /** Flags of V8 that are set before it is opened, as the command line sets them. They hold for peers in the process too. */
  readonly v8Flags?: string;
}

export const backends: Readonly<Record<string, MeasuredBackend>> = {
  js: { factory: () => js(), clock: 'cpu' },
  wasm: { factory: (threads) => wasm({ threads }), clock: 'wall', threaded: true },
  'wasm-wide': {
    factory: (threads) => wasm({ threads, wide: true }),
    clock: 'wall',
    threaded: true,
    v8Flags: '--experimental-wasm-revectorize',
  },
  gpujs: { factory: () => gpujs(), clock: 'cpu' },
  webgpu: {
    factory: () => ({ name: 'webgpu', open: async () => webgpu({ gpu: (await import('webgpu')).create([]) }).open() }),
    clock: 'wall',
  },
};
