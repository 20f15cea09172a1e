import { linear, logSigmoid, reshape } from '@sympow/autograd';
import { matrixSpec, vectorSpec } from '../layerEntry';
import type { Gate } from './api';
import { vectorGateBias } from './start';

/** Each key dimension forgets at a rate of its own: B_ij = (q_iᵀ diag(∏α) k_j)^p. */
export const vector: Gate = {
  name: 'vector',
  says: 'one per token, head and key dimension',
  width: 'd',
  parameters: ({ keyValueHeads: G, headSize: d, hiddenSize, initStd, power }) => ({
    'gate_proj.weight': matrixSpec(G * d, hiddenSize, { std: initStd }),
    'gate_proj.bias': vectorSpec(G * d, { value: vectorGateBias(power) }),
  }),
  logGates(tape, h, weight, { keyValueHeads: G, headSize: d }) {
    const [B, T] = h.value.shape as [number, number];
    const scores = linear(tape, h, weight('gate_proj.weight'), weight('gate_proj.bias'));
    return reshape(tape, logSigmoid(tape, scores), [B, T, G, d]);
  },
};
