/** The MLP: GELU in its tanh form between two projections, or SwiGLU between three, of a norm, added to what went in. */

import { gelu, swiglu, type NormParameters } from '@sympow/autograd';
import type { ModelConfig } from '../api';
import { addMap, layerInput } from './input';
import { projection, residualInit, type LinearMap, type Specs, type Weights } from './weights';

export const mlp = {
  parameters(config: ModelConfig): Specs {
    const { hiddenSize, intermediateSize, mlp: kind } = config;
    return {
      ...(kind === 'swiglu' && projection(config, 'gate_proj', intermediateSize, hiddenSize)),
      ...projection(config, 'up_proj', intermediateSize, hiddenSize),
      ...projection(config, 'down_proj', hiddenSize, intermediateSize, residualInit(config)),
    };
  },

  make({ mlp: kind }: ModelConfig, norm: NormParameters, { linear }: Weights): LinearMap {
    const [up, down] = [linear('up_proj'), linear('down_proj')];
    if (kind === 'gelu') {
      const maps = [up.plain && { ...up.plain, activation: 'gelu' as const }];
      return (tape, x) => {
        const { h, made } = layerInput(tape, x, norm, maps);
        return addMap(tape, x, down, made[0] ?? gelu(tape, up(tape, h)));
      };
    }
    const gate = linear('gate_proj');
    const maps = [up.plain, gate.plain];
    return (tape, x) => {
      const { h, made } = layerInput(tape, x, norm, maps);
      const wide = made[0] ?? up(tape, h);
      return addMap(tape, x, down, swiglu(tape, made[1] ?? gate(tape, h), wide));
    };
  },
};
