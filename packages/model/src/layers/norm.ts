/** A norm over the last axis with its weights. */

import { norm as normalise, type NormParameters } from '@sympow/autograd';
import { vectorSpec } from '@sympow/recurrence';
import type { ModelConfig } from '../api';
import { isBiased, type LinearMap, type Specs, type Weights } from './weights';

export const norm = {
  parameters({ bias, norm: own }: ModelConfig, size: number, kind = own): Specs {
    const weight = vectorSpec(size, { value: 1 });
    return kind === 'layer' && isBiased(bias, 'norm') ? { weight, bias: vectorSpec(size, { value: 0 }) } : { weight };
  },

  /** What it is made of. */
  of({ normEps: eps, norm: own }: ModelConfig, { find }: Weights, kind = own): NormParameters {
    return { kind, eps, weight: find('weight')!, bias: find('bias') };
  },

  make(config: ModelConfig, weights: Weights, kind = config.norm): LinearMap {
    const parameters = norm.of(config, weights, kind);
    return (tape, x) => normalise(tape, x, parameters);
  },
};
