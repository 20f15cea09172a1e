import { linear, onePlusTanh } from '@sympow/autograd';
import { matrixSpec } from '../layerEntry';
import type { Phases } from './api';
import { thetaConstants, thetaOf } from './frequencies';
import { betaStart } from './start';

/** The paper's learned rotary: β = 1 + tanh(w_β·x). */
export const data: Phases = {
  name: 'data',
  says: 'by β per token and head, from the layer’s input',
  turns: true,
  parameters: (settings) => ({
    'beta_proj.weight': matrixSpec(settings.keyValueHeads, settings.hiddenSize, betaStart(settings)),
  }),
  constants: thetaConstants,
  inputs: (tape, h, weight) => ({
    ...thetaOf(weight),
    beta: onePlusTanh(tape, linear(tape, h, weight('beta_proj.weight'))),
  }),
};
