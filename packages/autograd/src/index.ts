export {
  add,
  broadcastRows,
  embedTokens,
  gelu,
  logSigmoid,
  multiply,
  onePlusTanh,
  reshape,
  sliceRows,
  swiglu,
} from './arithmetic';
export { crossEntropy, linear, linearCrossEntropy, norm } from './layers';
export type { LinearCrossEntropyOptions, NormParameters } from './layers';
export { constant, parameter, Tape, type TapeOptions, type Variable } from './tape';
