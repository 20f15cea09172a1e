/** Which ways of computing there are here, what each can hold, and whether it computes right. */

import { BackendError } from '@sympow/kernels';
import { GPU } from 'gpu.js';
import type { Mode } from './api';
import { Machine } from './machine';
import { selfCheck } from './selfCheck';
import { widest } from './storage';

/** What a mode cannot go beyond. */
export interface Limits {
  readonly maxTensorBytes: number;
  readonly notes: readonly string[];
}

/** In the order in which they are tried. */
export const modes: readonly Mode[] = ['webgl2', 'webasm', 'cpu'];

const about: Readonly<Record<Mode, string>> = {
  webgl2: 'gpu.js on WebGL 2: results stay in float32 textures',
  webasm: 'gpu.js on WebAssembly with SIMD: results stay in arrays, each kernel copies what it reads',
  cpu: 'gpu.js as plain JavaScript: double arithmetic, float32 results',
};

const always = [
  `at most ${widest} numbers a tensor, since gpu.js counts cells in float32`,
  `integers from ${-widest} to ${widest}; wider ones can be uploaded, compared and read, not copied or cast`,
  'needs a page that allows eval: gpu.js compiles from source (no strict Content-Security-Policy)',
];

function supported(mode: Mode): string | undefined {
  if (mode === 'webgl2' && !GPU.isWebGL2Supported) return 'there is no WebGL 2 with float32 textures here';
  if (mode === 'webasm' && !(GPU as unknown as { isWebAssemblySupported: boolean }).isWebAssemblySupported) {
    return 'there is no WebAssembly here';
  }
  return undefined;
}

/** Texels along one side of the largest texture. */
function textureSide(gpu: GPU): number {
  const { context } = gpu as unknown as { context: WebGL2RenderingContext };
  return context.getParameter(context.MAX_TEXTURE_SIZE) as number;
}

/** @throws BackendError where the mode is not there or computes wrong */
export function openMachine(mode: Mode): { machine: Machine; limits: Limits } {
  const reason = supported(mode);
  if (reason !== undefined) {
    throw new BackendError({ what: 'mode of the gpujs backend', value: mode, expected: `another one: ${reason}` });
  }
  const gpu = new GPU({ mode: mode as 'cpu' });
  const machine = new Machine(mode, gpu);
  try {
    selfCheck(machine);
  } catch (error) {
    void machine.close();
    throw error;
  }
  const notes = [about[mode], ...always];
  if (mode !== 'webgl2') return { machine, limits: { maxTensorBytes: 4 * widest, notes } };
  const side = textureSide(gpu);
  return {
    machine,
    limits: { maxTensorBytes: 4 * Math.min(widest, side * side), notes: [...notes, `textures of ${side}² texels`] },
  };
}
