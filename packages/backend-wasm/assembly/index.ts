// Everything that the host calls. An export that begins with `from, to` or `begin, end` does that part of a kernel's tasks:
// tasks are independent of each other, so who does them does not change a number.

export { append, moveOn } from './append';
export { workspace } from './arena';
export { discountedSum, discountedSumBackward } from './discountedSum';
export * from './elementwise';
export { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './halves';
export * from './optimizer';
export { powerAttention, powerAttentionBackward } from './powerAttention';
export { halvesSpace, matmul, matmulBfloat16, matmulFloat16, productSpace } from './product';
export { queryState, queryStateBackward } from './queryState';
export { queryWindow } from './queryWindow';
export { rotary, rotaryBackward } from './rotary';
export {
  broadcastRows, crossEntropy, crossEntropyBackward, embed, embedBackward, embedBfloat16, embedFloat16, norm, normBackward, sumParts, sumRows,
} from './rows';
export { keyScale, scaleHeads } from './scale';
export { softmaxAttention, softmaxAttentionBackward } from './softmaxAttention';
export { stepState, stepStateBackward } from './stepState';
export { gateSum, gateSumBackward, phaseSum, phaseSumBackward } from './sums';
export { updateState, updateStateBackward } from './updateState';

/** Where memory that the module does not use itself begins. */
export function heapBase(): usize {
  return __heap_base;
}
