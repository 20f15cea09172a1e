/**
 * The kernels. A file holds the entries of a kernel and of its backward, and their definitions, which only the `js` backend takes
 * along; here it stands in the list of each, and its types are passed on.
 */

import { fill, fillJs } from './fill';
import { cast, castJs } from './cast';
import { copyBlock, copyBlockJs } from './copyBlock';
import { add, addJs } from './add';
import { multiply, multiplyJs } from './multiply';
import { broadcastRows, broadcastRowsJs } from './broadcastRows';
import { sumRows, sumRowsJs } from './sumRows';
import { gelu, geluBackward, geluJs } from './gelu';
import { swiglu, swigluBackward, swigluJs } from './swiglu';
import { silu, siluBackward, siluJs } from './silu';
import { logSigmoid, logSigmoidBackward, logSigmoidJs } from './logSigmoid';
import { onePlusTanh, onePlusTanhBackward, onePlusTanhJs } from './onePlusTanh';
import { matmul, matmulJs } from './matmul';
import { layerNorm, layerNormBackward, normsJs, rmsNorm, rmsNormBackward } from './norms';
import { normLinear, normLinearBackward, normLinearJs } from './normLinear';
import { embed, embedBackward, embedJs } from './embed';
import { crossEntropy, crossEntropyBackward, crossEntropyJs } from './crossEntropy';
import { linearCrossEntropy, linearCrossEntropyBackward, linearCrossEntropyJs } from './linearCrossEntropy';
import { sampleToken, sampleTokenJs } from './sampleToken';
import { softmaxAttention, softmaxAttentionBackward, softmaxAttentionJs } from './softmaxAttention';
import { rotary, rotaryBackward, rotaryJs } from './rotary';
import { phaseSum, phaseSumBackward, phaseSumJs } from './phaseSum';
import { gateSum, gateSumBackward, gateSumJs } from './gateSum';
import { resetGates, resetGatesJs } from './resetGates';
import { keyScale, keyScaleJs } from './keyScale';
import { scaleHeads, scaleHeadsJs } from './scaleHeads';
import { updateState, updateStateBackward, updateStateJs } from './updateState';
import { discountedSum, discountedSumBackward, discountedSumJs } from './discountedSum';
import { powerAttention, powerAttentionBackward, powerAttentionJs } from './powerAttention';
import { queryState, queryStateBackward, queryStateJs } from './queryState';
import { stepState, stepStateBackward, stepStateJs } from './stepState';
import { append, appendJs } from './append';
import { rotaryAppend, rotaryAppendJs } from './rotaryAppend';
import { queryWindow, queryWindowJs } from './queryWindow';
import { adamw, adamwJs } from './adamw';
import { squaredNorm, squaredNormJs } from './squaredNorm';

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

/** What they mean. */
export const definitions = [
  fillJs,
  castJs,
  copyBlockJs,
  addJs,
  multiplyJs,
  broadcastRowsJs,
  sumRowsJs,
  geluJs,
  swigluJs,
  siluJs,
  logSigmoidJs,
  onePlusTanhJs,
  matmulJs,
  normsJs,
  normLinearJs,
  embedJs,
  crossEntropyJs,
  linearCrossEntropyJs,
  sampleTokenJs,
  softmaxAttentionJs,
  rotaryJs,
  phaseSumJs,
  gateSumJs,
  resetGatesJs,
  keyScaleJs,
  scaleHeadsJs,
  updateStateJs,
  discountedSumJs,
  powerAttentionJs,
  queryStateJs,
  stepStateJs,
  appendJs,
  rotaryAppendJs,
  queryWindowJs,
  adamwJs,
  squaredNormJs,
] as const;
