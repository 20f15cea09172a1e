/** A norm over the last axis with its weights. */

import { norm as normalise } from '@sympow/autograd';
import { vectorSpec } from '@sympow/recurrence';
import type { ModelConfig } from '../api';
import { isBiased, type LinearMap, type Specs, type Weights } from './weights';

export const norm = {
  parameters({ bias, norm: own }: ModelConfig, size: number, kind = own): Specs {
    const weight = vectorSpec(size, { value: 1 });
    return kind === 'layer' && isBiased(bias, 'norm') ? { weight, bias: vectorSpec(size, { value: 0 }) } : { weight };
  },

  make({ normEps: eps, norm: own }: ModelConfig, { find }: Weights, kind = own): LinearMap {
    const parameters = { kind, eps, weight: find('weight')!, bias: find('bias') };
    return (tape, x) => normalise(tape, x, parameters);
  },
};
