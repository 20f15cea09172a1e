import type { Phases } from './api';
import { data } from './data';
import { fixed } from './fixed';
import { learned } from './learned';
import { none } from './none';
import { pair } from './pair';
import { rope } from './rope';

/** The phases that come with the package. */
export const phases: readonly Phases[] = [none, fixed, learned, data, pair, rope];

export type { Phases } from './api';
export { fixedTheta, frequencies } from './frequencies';
export { ropeFrequencies } from './rope';
export { isRopeScaling, type RopeScaling } from './ropeScaling';
