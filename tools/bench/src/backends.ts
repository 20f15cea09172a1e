/** The backends that can be measured, one line each. */

import { wasm } from '@sympow/backend-wasm';
import { js, type BackendFactory } from '@sympow/kernels';
import type { Clock } from './measure';

export interface MeasuredBackend {
  readonly factory: () => BackendFactory;
  readonly clock: Clock;
}

export const backends: Readonly<Record<string, MeasuredBackend>> = {
  js: { factory: () => js(), clock: 'cpu' },
  wasm: { factory: () => wasm(), clock: 'wall' },
};
