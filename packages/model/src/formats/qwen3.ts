import { ATTENTION_PROJECTIONS } from '../layers/weights';
import type { CheckpointFormat } from './api';
import { decoderIgnores, decoderOrigin, llamaOptions, windows } from './decoder';
import { flag, whole } from './settings';

/** Llama's layers with RMS norms on queries and keys, and windows from some layer on if the file says so. */
export const qwen3: CheckpointFormat = {
  name: 'qwen3',
  says: 'qwen3 checkpoint of Hugging Face',
  config: (json) => ({
    ...llamaOptions(json, { horizon: 32_768 }),
    ...windows({ max_window_layers: 28, ...json }, flag(json, 'use_sliding_window', false)),
    headSize: whole(json, 'head_dim', 128),
    queryKeyNorm: true,
    bias: flag(json, 'attention_bias', false) && ATTENTION_PROJECTIONS,
  }),
  origin: decoderOrigin,
  ignores: decoderIgnores,
};
