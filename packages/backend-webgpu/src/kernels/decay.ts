/** What a shader that imports `decay.wgsl` is launched with. */

import type { GateSums } from '@sympow/kernels';

export function decayOf(gates: GateSums | undefined, power: number) {
  const vector = gates?.start.shape.length === 4;
  const width = vector ? gates.start.shape[3]! : 1;
  return {
    /** Gates per token and head: 1, or d for vector gates. */
    width,
    tensors: { A: gates?.A, start: gates?.start },
    constants: { gate_width: width, gate_exponent: vector ? 1 : 1 / power },
    params: { plane: gates?.start.size ?? 0 },
  };
}
