export type { ComputeOptions, ModelConfig, ModelSize, Variant } from './api';
export {
  configFromJson,
  configToJson,
  memoryShape,
  modelConfig,
  modelSize,
  variantOf,
  variants,
  type StepShape,
} from './config';
export { CheckpointError } from './errors';
export { generate, type GeneratedToken, type GenerateOptions } from './generate';
export { restoreMemory, type ModelMemory } from './memory';
export { Model, type ForwardOptions } from './model';
export { initialValues, parameterSpecs, type Init, type ParameterSpec } from './parameters';
export {
  encodeSafetensors,
  parseSafetensors,
  readSafetensorsHeader,
  safetensorsHeadBytes,
  serializeSafetensors,
  type EncodedSafetensors,
  type Safetensors,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type SafetensorsReadOptions,
} from './safetensors';
export { sampler, type SamplingOptions } from './sampling';
export { StoredTensor, type StorableArray, type StoredDType, type TensorToStore } from './storedTensor';
