export type { ComputeOptions, ModelConfig, ModelSize, Variant } from './api';
export {
  findCheckpoint,
  latestCheckpoint,
  loadModel,
  loadWeights,
  prepareCheckpoints,
  readConfig,
  readJson,
  saveCheckpoint,
  saveModel,
  type Checkpoint,
  type CheckpointFiles,
  type SaveCheckpointOptions,
} from './checkpoint';
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
export { folderStorage, makeFolder } from './folderStorage';
export { generate, type GenerateOptions } from './generate';
export { restoreMemory, type ModelMemory } from './memory';
export { loadMemory, saveMemory } from './memoryFile';
export { Model, type ForwardOptions } from './model';
export { initialValues, parameterSpecs, type Init, type ParameterSpec } from './parameters';
export { sampler, type GeneratedToken, type SamplingOptions } from './sampling';
export { memoryStorage, type FileContents, type Storage } from './storage';
export { encodeTensors, readTensorHeader, readTensors, requireTensors } from './tensorFile';
