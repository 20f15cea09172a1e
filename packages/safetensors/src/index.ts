export type {
  EncodedSafetensors,
  SafetensorsEntry,
  SafetensorsHeader,
  SafetensorsLayout,
  SafetensorsReadOptions,
  StorableArray,
  TensorToStore,
  TensorType,
} from './api';
export { STORED_BYTES, type StoredDType } from './dtypes';
export { FormatError } from './errors';
export { openSafetensors, type OpenSafetensors, type SafetensorsSource } from './openSafetensors';
export { parseSafetensors, readSafetensorsHeader, safetensorsHeadBytes, type Safetensors } from './read';
export { parseShardIndex, planShards, type ShardPlan } from './shards';
export { encoderOf, StoredTensor } from './storedTensor';
export { encodeSafetensors, layOutSafetensors, serializeSafetensors } from './write';
