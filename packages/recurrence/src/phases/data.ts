import { mapped } from '../layerEntry';
import type { Phases } from './api';
import { thetaConstants, thetaOf } from './frequencies';
import { betaMap, betaWeights } from './start';

/** The paper's learned rotary: β = 1 + tanh(w_β·x). */
export const data: Phases = {
  name: 'data',
  says: 'by β per token and head, from the layer’s input',
  turns: true,
  parameters: (settings) => betaWeights(settings.keyValueHeads, settings),
  constants: thetaConstants,
  map: betaMap,
  inputs: (tape, h, weight, _settings, made) => ({
    beta: made ?? mapped(tape, h, weight, betaMap),
    ...thetaOf(weight),
  }),
};
