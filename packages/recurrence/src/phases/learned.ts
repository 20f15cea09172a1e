import type { Phases } from './api';
import { frequencies } from './frequencies';

export const learned: Phases = {
  name: 'learned',
  says: 'by the position, with trained frequencies',
  turns: true,
  parameters: ({ headSize: d, rotaryHorizon, keyValueHeads: G }) => ({
    theta: { shape: [G, d / 2], init: { values: () => frequencies(d, rotaryHorizon, G) }, decays: false },
  }),
  inputs: (_tape, _h, weight) => ({ theta: weight('theta') }),
};
