import { broadcastRows, logSigmoid } from '@sympow/autograd';
import { vectorSpec } from '../layerEntry';
import type { Gate } from './api';
import { gateBias } from './start';

export const learned: Gate = {
  name: 'learned',
  says: 'one per head, trained',
  width: 1,
  parameters: ({ keyValueHeads: G }) => ({ 'gate_proj.bias': vectorSpec(G, { value: gateBias }) }),
  logGates(tape, h, weight, { keyValueHeads: G }) {
    const [B, T] = h.value.shape as [number, number];
    return broadcastRows(tape, logSigmoid(tape, weight('gate_proj.bias')), [B, T, G]);
  },
};
