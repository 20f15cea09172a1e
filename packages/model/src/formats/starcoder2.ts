import type { CheckpointFormat } from './api';
import { decoderIgnores, decoderOptions, decoderOrigin, windows } from './decoder';
import { flag, number, only } from './settings';

/** Layer norms and an MLP of two matrices, all of them with biases. */
export const starcoder2: CheckpointFormat = {
  name: 'starcoder2',
  says: 'starcoder2 checkpoint of Hugging Face',
  config(json) {
    only(json, 'hidden_act', ['gelu_pytorch_tanh', 'gelu_new'], 'GELU is computed in its tanh form here.');
    const all = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] as const;
    return {
      ...decoderOptions(json, { tied: true, horizon: 4096 }),
      ...windows(json, true),
      mlp: 'gelu',
      norm: 'layer',
      normEps: number(json, 'norm_epsilon', 1e-5),
      bias: [...(flag(json, 'use_bias', true) ? all : []), 'norm'],
    };
  },
  origin(config, name) {
    const { name: same, ...rest } = decoderOrigin(config, name);
    return { name: same.replace('.mlp.up_proj.', '.mlp.c_fc.').replace('.mlp.down_proj.', '.mlp.c_proj.'), ...rest };
  },
  ignores: decoderIgnores,
};
