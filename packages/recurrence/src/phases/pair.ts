import { linear, onePlusTanh, reshape } from '@sympow/autograd';
import { matrixSpec } from '../layerEntry';
import type { Phases } from './api';
import { thetaConstants, thetaOf } from './frequencies';
import { betaStart } from './start';

export const pair: Phases = {
  name: 'pair',
  says: 'by β per token, head and pair',
  turns: true,
  parameters: (settings) => ({
    'beta_proj.weight': matrixSpec(
      (settings.keyValueHeads * settings.headSize) / 2,
      settings.hiddenSize,
      betaStart(settings),
    ),
  }),
  constants: thetaConstants,
  inputs(tape, h, weight, { keyValueHeads: G, headSize: d }) {
    const [B, T] = h.value.shape as [number, number];
    const beta = onePlusTanh(tape, linear(tape, h, weight('beta_proj.weight')));
    return { ...thetaOf(weight), beta: reshape(tape, beta, [B, T, G, d / 2]) };
  },
};
