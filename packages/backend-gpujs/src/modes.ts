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
  webgl2: 'gpu.js on WebGL 2, results in float32 textures',
  webasm: 'gpu.js on WebAssembly with SIMD',
  cpu: 'gpu.js as plain JavaScript',
};

const always = [
  `at most ${widest} numbers a tensor`,
  `integers beyond ±${widest} are kept and compared, not copied or cast`,
  'compiles from source, which a strict Content-Security-Policy forbids',
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
    throw new BackendError({
      what: 'mode of the gpujs backend',
      value: mode,
      message: `gpujs cannot run in mode ${mode}: ${reason}`,
      expected: 'another mode',
    });
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
