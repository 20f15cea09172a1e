import { reshape } from '@sympow/autograd';
import { mapped, matrixSpec, vectorSpec, type EntryMap } from '../layerEntry';
import type { Gate } from './api';
import { vectorGateBias } from './start';

const map: EntryMap = { weight: 'gate_proj.weight', bias: 'gate_proj.bias', activation: 'logSigmoid' };

/** Each key dimension forgets at a rate of its own: B_ij = (q_iᵀ diag(∏α) k_j)^p. */
export const vector: Gate = {
  name: 'vector',
  says: 'one per token, head and key dimension',
  width: 'd',
  parameters: ({ keyValueHeads: G, headSize: d, hiddenSize, initStd, power }) => ({
    'gate_proj.weight': matrixSpec(G * d, hiddenSize, { std: initStd }),
    'gate_proj.bias': vectorSpec(G * d, { value: vectorGateBias(power) }),
  }),
  map,
  logGates(tape, h, weight, { keyValueHeads: G, headSize: d }, made = mapped(tape, h, weight, map)) {
    const [B, T] = made.value.shape as [number, number];
    return reshape(tape, made, [B, T, G, d]);
  },
};
