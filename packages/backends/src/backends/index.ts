// The one list of backends, in the order in which `auto` tries them.
import { js } from '@sympow/kernels';
import type { BackendEntry } from '../api';
import { gpujsEntry } from './gpujs';
import { wasmEntry } from './wasm';
import { webgpuEntry } from './webgpu';

/** One line per backend; what takes more than its factory has a file beside this one. */
export const backends: readonly BackendEntry[] = [
  webgpuEntry,
  wasmEntry,
  { name: 'js', make: ({ own }) => js(own) },
  gpujsEntry,
];
