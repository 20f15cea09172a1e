/** One block: attention and MLP, each behind a norm and beside a residual. */

import type { AttentionKind } from '@sympow/recurrence';
import type { ModelConfig } from '../api';
import { attention, type LayerMap, type LayerParts } from './attention';
import { mlp } from './mlp';
import { norm } from './norm';
import { weightsOf, within, type Specs, type Weights } from './weights';

export const block = {
  parameters: (config: ModelConfig, kind: AttentionKind): Specs => ({
    ...within('input_layernorm', norm.parameters(config, config.hiddenSize)),
    ...within('self_attn', attention.parameters(config, kind)),
    ...within('post_attention_layernorm', norm.parameters(config, config.hiddenSize)),
    ...within('mlp', mlp.parameters(config)),
  }),

  make(config: ModelConfig, weights: Weights, parts: LayerParts): LayerMap {
    const before = norm.of(config, weightsOf('input_layernorm', weights));
    const attend = attention.make(config, before, weightsOf('self_attn', weights), parts);
    const between = norm.of(config, weightsOf('post_attention_layernorm', weights));
    const think = mlp.make(config, between, weightsOf('mlp', weights));
    return (tape, x, inputs) => think(tape, attend(tape, x, inputs));
  },
};
