import { linear, logSigmoid } from '@sympow/autograd';
import { matrixSpec, vectorSpec } from '../layerEntry';
import type { Gate } from './api';
import { gateBias } from './start';

/** The paper's gates: γ = sigmoid(w_γ·x + b_γ). */
export const data: Gate = {
  name: 'data',
  says: 'one per token and head, from the layer’s input',
  width: 1,
  parameters: ({ keyValueHeads: G, hiddenSize, initStd }) => ({
    'gate_proj.weight': matrixSpec(G, hiddenSize, { std: initStd }),
    'gate_proj.bias': vectorSpec(G, { value: gateBias }),
  }),
  logGates: (tape, h, weight) =>
    logSigmoid(tape, linear(tape, h, weight('gate_proj.weight'), weight('gate_proj.bias'))),
};
