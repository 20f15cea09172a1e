import type { CheckpointFormat } from './api';
import { decoderIgnores, decoderOrigin, llamaOptions, windows } from './decoder';

/** Llama's layers with windows in all of them, where the file says how long. */
export const mistral: CheckpointFormat = {
  name: 'mistral',
  says: 'mistral checkpoint of Hugging Face',
  config: (json) => ({ ...llamaOptions(json, { horizon: 131_072 }), ...windows(json, true) }),
  origin: decoderOrigin,
  ignores: decoderIgnores,
};
