/** How far each kernel may be from the definition: one table, in roundings. */

import type { Kernels } from '@sympow/kernels';

/**
 * Half the distance from 1 to the next number: what one rounding costs at most. Tolerances are multiples of it, so the
 * same table serves every float type.
 */
export const roundoff = { float32: 2 ** -24, float64: 2 ** -53 } as const;

/**
 * Roundings that the result of each kernel may be off by, as relative RMS over an output.
 *
 * How the numbers come about, for the sizes of the cases (sums of up to about 500 terms of either sign, powers up to 4):
 * - 0: nothing is computed, only moved.
 * - 2: one product or sum.
 * - 64: a sum of n ≤ 500 terms added in any order loses about √n roundings; or one exp, log or tanh of a GPU's library,
 *   which may be wrong in the last 4 to 5 bits.
 * - 128 and 256: two and three such sums behind each other, as in attention (scores, weights, values) and its gradients.
 * - 512 and up: scores to the power p multiply their relative error by p; sums over D features of φ have terms that cancel.
 *   Moving every input of every case by one rounding moves the outputs of queryState, stepState, queryWindow and their
 *   gradients by up to the number written in the table over 8 (`conditioning.test.ts` repeats that measurement).
 * - 2048 for phases, in turns: 500 tokens that each add θ/2π, rounded once, up to two turns at a time.
 */
export const roundings: Readonly<Record<keyof Kernels, number | Readonly<Record<string, number>>>> = {
  fill: 0,
  cast: 0,
  copyBlock: 0,
  add: 2,
  multiply: 2,
  broadcastRows: 0,
  sumRows: 64,
  gelu: 64,
  geluBackward: 64,
  swiglu: 64,
  swigluBackward: 64,
  logSigmoid: 64,
  logSigmoidBackward: 64,
  onePlusTanh: 64,
  onePlusTanhBackward: 64,
  matmul: 64,
  layerNorm: 64,
  layerNormBackward: 128,
  rmsNorm: 64,
  rmsNormBackward: 128,
  embed: 0,
  embedBackward: 64,
  crossEntropy: 64,
  crossEntropyBackward: 64,
  softmaxAttention: 128,
  softmaxAttentionBackward: 256,
  rotary: 128,
  rotaryBackward: 128,
  phaseSum: 2048,
  phaseSumBackward: 256,
  // A is a pair of numbers whose sum has twice the digits; start is a whole number.
  gateSum: { A: 2 ** -12, start: 0 },
  gateSumBackward: 64,
  resetGates: 0,
  updateState: 128,
  updateStateBackward: 256,
  discountedSum: 64,
  discountedSumBackward: 256,
  powerAttention: 512,
  powerAttentionBackward: 512,
  queryState: 2048,
  queryStateBackward: 2048,
  stepState: { SNext: 64, ZNext: 64, y: 2048 },
  stepStateBackward: 2048,
  queryWindow: 2048,
  adamw: 64,
  squaredNorm: 64,
};

/** Bound on the relative error of an output. */
export function toleranceOf(kernel: keyof Kernels, output: string, float: 'float32' | 'float64'): number {
  const entry = roundings[kernel];
  return (typeof entry === 'number' ? entry : (entry[output] ?? 0)) * roundoff[float];
}
