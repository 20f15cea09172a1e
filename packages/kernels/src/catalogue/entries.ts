/**
 * The kernels. A file holds the entries of a kernel and of its backward, which stand here by name; its types are passed on, and
 * its definitions, which only the `js` backend takes along, stand in `definitions.gen.ts`.
 */

import { fill } from './fill';
import { cast } from './cast';
import { copyBlock } from './copyBlock';
import { add } from './add';
import { multiply } from './multiply';
import { broadcastRows } from './broadcastRows';
import { sumRows } from './sumRows';
import { gelu, geluBackward } from './gelu';
import { swiglu, swigluBackward } from './swiglu';
import { silu, siluBackward, siluBodies } from './silu';
import { logSigmoid, logSigmoidBackward } from './logSigmoid';
import { onePlusTanh, onePlusTanhBackward } from './onePlusTanh';
import { matmul } from './matmul';
import { layerNorm, layerNormBackward, rmsNorm, rmsNormBackward } from './norms';
import { normLinear, normLinearBackward, normLinearBodies } from './normLinear';
import { embed, embedBackward } from './embed';
import { crossEntropy, crossEntropyBackward } from './crossEntropy';
import { linearCrossEntropy, linearCrossEntropyBackward, linearCrossEntropyBodies } from './linearCrossEntropy';
import { sampleToken } from './sampleToken';
import { softmaxAttention, softmaxAttentionBackward } from './softmaxAttention';
import { rotary, rotaryBackward } from './rotary';
import { phaseSum, phaseSumBackward } from './phaseSum';
import { gateSum, gateSumBackward } from './gateSum';
import { resetGates } from './resetGates';
import { keyScale } from './keyScale';
import { scaleHeads } from './scaleHeads';
import { updateState, updateStateBackward } from './updateState';
import { discountedSum, discountedSumBackward } from './discountedSum';
import { powerAttention, powerAttentionBackward } from './powerAttention';
import { queryState, queryStateBackward } from './queryState';
import { stepState, stepStateBackward } from './stepState';
import { append } from './append';
import { rotaryAppend, rotaryAppendBodies } from './rotaryAppend';
import { queryWindow } from './queryWindow';
import { adamw } from './adamw';
import { squaredNorm } from './squaredNorm';

export type * from './fill';
export type * from './cast';
export type * from './copyBlock';
export type * from './add';
export type * from './multiply';
export type * from './broadcastRows';
export type * from './sumRows';
export type * from './gelu';
export type * from './swiglu';
export type * from './silu';
export type * from './logSigmoid';
export type * from './onePlusTanh';
export type * from './matmul';
export type * from './norms';
export type * from './normLinear';
export type * from './embed';
export type * from './crossEntropy';
export type * from './linearCrossEntropy';
export type * from './sampleToken';
export type * from './softmaxAttention';
export type * from './rotary';
export type * from './phaseSum';
export type * from './gateSum';
export type * from './resetGates';
export type * from './keyScale';
export type * from './scaleHeads';
export type * from './updateState';
export type * from './discountedSum';
export type * from './powerAttention';
export type * from './queryState';
export type * from './stepState';
export type * from './append';
export type * from './rotaryAppend';
export type * from './queryWindow';
export type * from './adamw';
export type * from './squaredNorm';

/** Every kernel by name. */
export const catalogue = {
  // Arithmetic.
  fill,
  cast,
  copyBlock,
  add,
  multiply,
  broadcastRows,
  sumRows,
  // Activations.
  gelu,
  geluBackward,
  swiglu,
  swigluBackward,
  silu,
  siluBackward,
  logSigmoid,
  logSigmoidBackward,
  onePlusTanh,
  onePlusTanhBackward,
  // Products, norms, lookup, loss.
  matmul,
  layerNorm,
  layerNormBackward,
  rmsNorm,
  rmsNormBackward,
  normLinear,
  normLinearBackward,
  embed,
  embedBackward,
  crossEntropy,
  crossEntropyBackward,
  linearCrossEntropy,
  linearCrossEntropyBackward,
  sampleToken,
  // Attention by softmax.
  softmaxAttention,
  softmaxAttentionBackward,
  // Phases and gates.
  rotary,
  rotaryBackward,
  phaseSum,
  phaseSumBackward,
  gateSum,
  gateSumBackward,
  resetGates,
  // The gated power recurrence; specification §6 and §7.
  keyScale,
  scaleHeads,
  updateState,
  updateStateBackward,
  discountedSum,
  discountedSumBackward,
  powerAttention,
  powerAttentionBackward,
  queryState,
  queryStateBackward,
  stepState,
  stepStateBackward,
  append,
  rotaryAppend,
  queryWindow,
  // Optimizer.
  adamw,
  squaredNorm,
};

/**
 * How kernels are made of others, for those that are: a backend may leave such a kernel out, or decline calls of it, and then runs
 * this. It runs in a scope of its own: what it allocates is given back at its end. These stand apart from the entries, as a page
 * that calls no such kernel need not load them.
 */
export const bodies = [siluBodies, normLinearBodies, linearCrossEntropyBodies, rotaryAppendBodies] as const;
