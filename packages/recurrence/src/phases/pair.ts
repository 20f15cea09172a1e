import { reshape } from '@sympow/autograd';
import { mapped } from '../layerEntry';
import type { Phases } from './api';
import { thetaConstants, thetaOf } from './frequencies';
import { betaMap, betaWeights } from './start';

export const pair: Phases = {
  name: 'pair',
  says: 'by β per token, head and pair',
  turns: true,
  parameters: (settings) => betaWeights((settings.keyValueHeads * settings.headSize) / 2, settings),
  constants: thetaConstants,
  map: betaMap,
  inputs(tape, h, weight, { keyValueHeads: G, headSize: d }, made = mapped(tape, h, weight, betaMap)) {
    const [B, T] = made.value.shape as [number, number];
    return { beta: reshape(tape, made, [B, T, G, d / 2]), ...thetaOf(weight) };
  },
};
