import type { CheckpointFormat } from './api';
import { decoderIgnores, decoderOrigin, llamaOptions, windows } from './decoder';
import { flag } from './settings';

/** Llama's layers with biases on queries, keys and values, and windows from some layer on if the file says so. */
export const qwen2: CheckpointFormat = {
  name: 'qwen2',
  says: 'qwen2 checkpoint of Hugging Face',
  config: (json) => ({
    ...llamaOptions(json, { horizon: 32_768 }),
    ...windows({ max_window_layers: 28, ...json }, flag(json, 'use_sliding_window', false)),
    bias: ['q_proj', 'k_proj', 'v_proj'],
  }),
  origin: decoderOrigin,
  ignores: decoderIgnores,
};
