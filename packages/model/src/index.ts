export { loadAdapted, mergeAdapted } from './adapted';
export type { Adapter } from './adapter';
export type {
  BiasedPart,
  ComputeOptions,
  ModelConfig,
  ModelEntries,
  ModelOptions,
  ModelSize,
  PrecisionOptions,
  Projection,
  TrainableOptions,
  Variant,
  FloatType,
  WeightType,
} from './api';
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
  type LoadOptions,
  type SaveCheckpointOptions,
} from './checkpoint';
export { verifyCheckpoint } from './checksums';
export {
  configFromJson,
  configToJson,
  memoryShape,
  modelConfig,
  modelSize,
  variantOf,
  variants,
  type BlockOptions,
  type StepShape,
} from './config';
export { describeCheckpoint, type CheckpointDescription } from './describeCheckpoint';
export { entriesOf } from './entriesOf';
export { CheckpointError, ofCheckpoint } from './errors';
export { formats, type CheckpointFormat, type ConfigJson, type Origin } from './formats';
export { fingerprintOf, weightsChanged } from './fingerprint';
export { kindOf, kindsOfLayers } from './kindsOfLayers';
export type { LinearMap, Weights } from './layers/weights';
export { lora, type LoraOptions } from './lora';
export { restoreMemory, type ModelMemory } from './memory';
export { Model, type ForwardOptions } from './model';
export type { Precision } from './precision';
export { initialValues, parameterSpecs } from './parameters';
export { folderStorage, memoryStorage, type FileContents, type Storage } from '@sympow/storage';
export { modelSettings, type ModelSetting } from './settings';
export { encodeTensors, openTensors, readTensors } from './tensorFile';
