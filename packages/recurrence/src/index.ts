export type * from './api';
export { chooseForm, defaultChunk, flopsOf, type FormSizes } from './form';
export { attentionForm, chunkedForm, recurrentForm, type FormInputs, type FormOptions, type FormResult } from './forms';
export {
  fixedLogGates,
  gateBias,
  gateModes,
  logGates,
  vectorGateBias,
  type GateMode,
  type GateParameters,
} from './gates';
export {
  fixedTheta,
  frequencies,
  phaseInputs,
  phaseModes,
  phaseSum,
  rotate,
  turn,
  type PhaseMode,
  type PhaseParameters,
  type Turned,
} from './phases';
export type { StatePair } from './power';
export { powerRecurrence } from './powerRecurrence';
export { softmaxRecurrence, type SoftmaxMemory } from './softmaxRecurrence';
export { windowLength, type PowerMemory } from './window';
