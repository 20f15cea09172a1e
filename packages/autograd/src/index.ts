export {
  add,
  broadcastRows,
  embedTokens,
  gelu,
  inType,
  logSigmoid,
  multiply,
  onePlusTanh,
  reshape,
  silu,
  sliceRows,
  swiglu,
} from './arithmetic';
export { call, type CallInputs, type Differentiable } from './call';
export { addLinear, crossEntropy, linear, linearCrossEntropy, norm, normLinear } from './layers';
export type { LinearCrossEntropyOptions, MapParameters, NormParameters } from './layers';
export { constant, parameter, Tape, type TapeOptions, type Variable } from './tape';
