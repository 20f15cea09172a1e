export type { ComputeOptions, ModelConfig, ModelEntries, ModelOptions, ModelSize, Variant } from './api';
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
  kindOf,
  kindsOfLayers,
  memoryShape,
  modelConfig,
  modelSize,
  variantOf,
  variants,
  type StepShape,
} from './config';
export { CheckpointError } from './errors';
export { folderStorage, makeFolder } from './folderStorage';
export { fingerprintOf, weightsChanged } from './fingerprint';
export { generate, type GenerateOptions } from './generate';
export {
  endText,
  generateText,
  type GeneratedText,
  type GenerateTextOptions,
  type TextTokenizer,
} from './generateText';
export { restoreMemory, type ModelMemory } from './memory';
export { Model, type ForwardOptions } from './model';
export { initialValues, parameterSpecs } from './parameters';
export { sampler, type GeneratedToken, type SamplingOptions } from './sampling';
export { beginSession, type OpenText, type Session } from './session';
export { loadSession, saveSession } from './sessionFile';
export { memoryStorage, type FileContents, type Storage } from './storage';
export { encodeTensors, readTensorHeader, readTensors, requireTensors } from './tensorFile';
export { TextStream, type TokenDecoder } from './textStream';
