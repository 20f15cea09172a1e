import type { Phases } from './api';
import { headAndTail, thetaOf } from './frequencies';
import { scaled, type RopeScaling } from './ropeScaling';

/** θ_m = b^{−2m/d}, lowered by a scaling: [G, d/2] radians per token. */
export function ropeFrequencies(d: number, base: number, G: number, scaling: RopeScaling = 'none'): Float64Array {
  return Float64Array.from({ length: (G * d) / 2 }, (_, i) => scaled(base ** ((-2 * (i % (d / 2))) / d), scaling));
}

/** Rotary embedding as it is usual (arXiv 2104.09864): μ_i = i, frequencies from the base `ropeTheta`. */
export const rope: Phases = {
  name: 'rope',
  says: 'by the position, with the frequencies of RoPE',
  turns: true,
  parameters: () => ({}),
  constants: ({ headSize: d, keyValueHeads: G, ropeTheta, ropeScaling }, backend) =>
    headAndTail(ropeFrequencies(d, ropeTheta, G, ropeScaling), [G, d / 2], backend),
  inputs: (_tape, _h, weight) => thetaOf(weight),
};
