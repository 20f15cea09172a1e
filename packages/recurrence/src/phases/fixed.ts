import type { Phases } from './api';
import { thetaConstants, thetaOf } from './frequencies';

/** Plain rotary: μ_i = i. */
export const fixed: Phases = {
  name: 'fixed',
  says: 'by the position',
  turns: true,
  parameters: () => ({}),
  constants: thetaConstants,
  inputs: (_tape, _h, weight) => thetaOf(weight),
};
