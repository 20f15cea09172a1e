/** How far each kernel may be from the definition, in roundings: its entry says how many. */

import { entryOf, kernelNames, type Capabilities, type HalfType, type KernelName } from '@sympow/kernels';

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
export const roundings = /* @__PURE__ */ Object.fromEntries(
  kernelNames.map((name) => [name, entryOf(name).roundings]),
) as Readonly<Record<KernelName, number | Readonly<Record<string, number>>>>;

/** The same for outputs and final states of all four kernels behind each other. */
export const roundingsOfForms = 2048;

/** Two numbers that differ a little may be rounded to neighbours, which are two roundings apart. */
const roundingsOfHalves = 2;

/** Kernels whose operands a backend may round before it multiplies them. */
const products = /^(matmul|linearCrossEntropy|normLinear|updateState|queryState|powerAttention|softmaxAttention)/;

/** Whether `operandRoundoff` has a say in what a kernel gives. */
export const roundsOperands = (kernel: KernelName): boolean => products.test(kernel);

/**
 * What rounding operands may cost: twice a rounding, as intermediate operands are rounded too, and four times what rounding the inputs
 * does to an output by the definition.
 */
export const costOfOperands = (operandRoundoff: number, measured: number): number => 2 * operandRoundoff + 4 * measured;

/** Numbers to as many bits as leave a relative error of at most `roundoff`. */
export function withRoundoff(data: Float64Array, roundoff: number): Float64Array {
  return data.map((x) => {
    if (x === 0 || !Number.isFinite(x)) return x;
    const step = 2 * roundoff * 2 ** Math.floor(Math.log2(Math.abs(x)));
    return Math.round(x / step) * step;
  });
}

/** Bound on the relative error of an output, which `half` says to be rounded to it, the expected numbers likewise. */
export function toleranceOf(kernel: KernelName, output: string, float: Capabilities['float'], half?: HalfType): number {
  const entry = roundings[kernel];
  const own = (typeof entry === 'number' ? entry : (entry[output] ?? 0)) * roundoff[float];
  return half && own > 0 ? own + roundingsOfHalves * roundoff[half] : own;
}
