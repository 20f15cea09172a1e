/** How far each kernel may be from the definition: one table, in roundings. */

import type { Capabilities, HalfType, Kernels } from '@sympow/kernels';

/**
 * Half the distance from 1 to the next number: what one rounding costs at most. Tolerances are multiples of it, so the
 * same table serves every float type.
 */
export const roundoff = { bfloat16: 2 ** -8, float16: 2 ** -11, float32: 2 ** -24, float64: 2 ** -53 } as const;

/**
 * Roundings that the result of each kernel may be off by, as relative RMS over an output.
 *
 * Two things make a result differ: roundings on the way, and roundings of the inputs that the formula enlarges.
 * `conditioning.test.ts` measures the second: it moves every input of every case by one rounding, and the table must be at
 * least four times what that does to any output. The rest is room for the way:
 * - 0: nothing is computed, only moved.
 * - 2: one product or sum.
 * - 64: a sum of n ≤ 500 terms added in any order loses about √n roundings; or one exp, log or tanh of a GPU's library,
 *   which may be wrong in the last 4 to 5 bits.
 * - 128 and 256: two and three such sums behind each other, as in attention (scores, weights, values) and its gradients;
 *   scores to the power p, which multiply their relative error by p.
 * - 512 to 4096: gradients where scores are large, or nearly cancel in φ(q)·Z: measured at 93 (softmax), 180, 305, and 778
 *   for the bare step after a reset.
 * - 8192 for the answer of the bare step: it is read from a state that has just been rounded, which after a reset holds one
 *   key; plain storage in float32 alone is off by 1600.
 * - 2048 for phases, in turns: 500 tokens that each add θ/2π, rounded once, up to two turns at a time; measured at 292.
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
  logSigmoid: 128,
  logSigmoidBackward: 128,
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
  softmaxAttentionBackward: 512,
  rotary: 128,
  rotaryBackward: 128,
  // last is a pair of numbers like A: streams hand it on ten thousands of times.
  phaseSum: { turns: 2048, last: 2 ** -8 },
  phaseSumBackward: 256,
  // A is a pair of numbers whose sum has twice the digits; start is a whole number.
  gateSum: { A: 2 ** -12, start: 0 },
  gateSumBackward: 64,
  resetGates: 0,
  // Powers of two, and products with them.
  keyScale: 0,
  scaleHeads: 0,
  updateState: 128,
  updateStateBackward: 256,
  discountedSum: 64,
  discountedSumBackward: 256,
  powerAttention: 256,
  powerAttentionBackward: 2048,
  queryState: 256,
  queryStateBackward: 1024,
  stepState: { SNext: 64, ZNext: 64, y: 8192 },
  stepStateBackward: 4096,
  queryWindow: 256,
  append: 0,
  adamw: 64,
  squaredNorm: 64,
};

/** The same for outputs and final states of all four kernels behind each other. */
export const roundingsOfForms = 2048;

/** Two numbers that differ a little may be rounded to neighbours, which are two roundings apart. */
const roundingsOfHalves = 2;

/** Bound on the relative error of an output, which `half` says to be rounded to it, the expected numbers likewise. */
export function toleranceOf(
  kernel: keyof Kernels,
  output: string,
  float: Capabilities['float'],
  half?: HalfType,
): number {
  const entry = roundings[kernel];
  const own = (typeof entry === 'number' ? entry : (entry[output] ?? 0)) * roundoff[float];
  return half && own > 0 ? own + roundingsOfHalves * roundoff[half] : own;
}
