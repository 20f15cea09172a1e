import { mapped, matrixSpec, vectorSpec, type EntryMap } from '../layerEntry';
import type { Gate } from './api';
import { gateBias } from './start';

const map: EntryMap = { weight: 'gate_proj.weight', bias: 'gate_proj.bias', activation: 'logSigmoid' };

/** The paper's gates: γ = sigmoid(w_γ·x + b_γ). */
export const data: Gate = {
  name: 'data',
  says: 'one per token and head, from the layer’s input',
  width: 1,
  parameters: ({ keyValueHeads: G, hiddenSize, initStd }) => ({
    'gate_proj.weight': matrixSpec(G, hiddenSize, { std: initStd }),
    'gate_proj.bias': vectorSpec(G, { value: gateBias }),
  }),
  map,
  logGates: (tape, h, weight, _settings, made) => made ?? mapped(tape, h, weight, map),
};
