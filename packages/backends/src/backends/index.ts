// The one list of backends, in the order in which `auto` tries them.
import type { BackendEntry } from '../api';
import { gpujsEntry } from './gpujs';
import { jsEntry } from './js';
import { wasmEntry } from './wasm';
import { webgpuEntry } from './webgpu';

/** One line per backend. */
export const backends: readonly BackendEntry[] = [webgpuEntry, wasmEntry, jsEntry, gpujsEntry];
