import { mapped, matrixSpec, type EntryMap } from '../layerEntry';
import type { Phases } from './api';
import { thetaConstants, thetaOf } from './frequencies';
import { betaStart } from './start';

const map: EntryMap = { weight: 'beta_proj.weight', activation: 'onePlusTanh' };

/** The paper's learned rotary: β = 1 + tanh(w_β·x). */
export const data: Phases = {
  name: 'data',
  says: 'by β per token and head, from the layer’s input',
  turns: true,
  parameters: (settings) => ({
    'beta_proj.weight': matrixSpec(settings.keyValueHeads, settings.hiddenSize, betaStart(settings)),
  }),
  constants: thetaConstants,
  map,
  inputs: (tape, h, weight, _settings, made) => ({
    ...thetaOf(weight),
    beta: made ?? mapped(tape, h, weight, map),
  }),
};
