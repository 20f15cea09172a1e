import { ATTENTION_PROJECTIONS, MLP_PROJECTIONS } from '../layers/weights';
import type { CheckpointFormat } from './api';
import { decoderIgnores, decoderOrigin, llamaOptions } from './decoder';
import { flag } from './settings';

export const llama: CheckpointFormat = {
  name: 'llama',
  says: 'llama checkpoint of Hugging Face',
  config(json) {
    const biased = [
      ...(flag(json, 'attention_bias', false) ? ATTENTION_PROJECTIONS : []),
      ...(flag(json, 'mlp_bias', false) ? MLP_PROJECTIONS : []),
    ];
    return { ...llamaOptions(json), bias: biased.length > 0 && biased };
  },
  origin: decoderOrigin,
  ignores: decoderIgnores,
};
