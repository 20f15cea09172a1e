export type * from './api';
export { deltaRecurrence, type DeltaMemory, type DeltaOptions } from './deltaRecurrence';
export { chooseForm, defaultChunk, flopsOf, type FormSizes } from './form';
export {
  attentionForm,
  chunkedForm,
  chunkedKernels,
  recurrentForm,
  recurrentKernels,
  type FormInputs,
  type FormOptions,
  type FormResult,
} from './forms';
export { fixedLogGates, gateBias, gates, vectorGateBias, type Gate } from './gates';
export { kinds, type AttentionKind, type KindCompute, type KindSettings } from './kinds';
export {
  matrixSpec,
  parametersOf,
  vectorSpec,
  type ConstantSpec,
  type EntryMap,
  type Init,
  type LayerEntry,
  type LayerSettings,
  type LayerWeights,
  type ParameterSpec,
} from './layerEntry';
export { mixedRecurrence, type MixedMemory } from './mixedRecurrence';
export {
  fixedTheta,
  frequencies,
  phases,
  isRopeScaling,
  ropeFrequencies,
  type Phases,
  type RopeScaling,
} from './phases';
export type { StatePair } from './power';
export { powerRecurrence } from './powerRecurrence';
export type { SoftmaxMemory } from './cache';
export { softmaxRecurrence, type SoftmaxOptions } from './softmaxRecurrence';
export { phaseSum, rotate, turn, type Turned } from './turning';
export type { PowerMemory } from './powerMemory';
export { windowLength } from './window';
