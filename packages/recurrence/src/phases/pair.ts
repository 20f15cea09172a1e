import { reshape } from '@sympow/autograd';
import { mapped, matrixSpec, type EntryMap } from '../layerEntry';
import type { Phases } from './api';
import { thetaConstants, thetaOf } from './frequencies';
import { betaStart } from './start';

const map: EntryMap = { weight: 'beta_proj.weight', activation: 'onePlusTanh' };

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
  map,
  inputs(tape, h, weight, { keyValueHeads: G, headSize: d }, made = mapped(tape, h, weight, map)) {
    const [B, T] = made.value.shape as [number, number];
    return { ...thetaOf(weight), beta: reshape(tape, made, [B, T, G, d / 2]) };
  },
};
