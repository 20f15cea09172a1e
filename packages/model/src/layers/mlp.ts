/** The MLP: GELU in its tanh form between two projections, or SwiGLU between three. */

import { gelu, swiglu } from '@sympow/autograd';
import type { ModelConfig } from '../api';
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

  make({ mlp: kind }: ModelConfig, { linear }: Weights): LinearMap {
    const [up, down] = [linear('up_proj'), linear('down_proj')];
    if (kind === 'gelu') return (tape, h) => down(tape, gelu(tape, up(tape, h)));
    const gate = linear('gate_proj');
    return (tape, h) => {
      const wide = up(tape, h);
      return down(tape, swiglu(tape, gate(tape, h), wide));
    };
  },
};
