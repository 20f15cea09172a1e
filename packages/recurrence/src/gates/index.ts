import type { Gate } from './api';
import { data } from './data';
import { fixed } from './fixed';
import { learned } from './learned';
import { none } from './none';
import { vector } from './vector';

/** The gates that come with the package. */
export const gates: readonly Gate[] = [none, fixed, learned, data, vector];

export type { Gate } from './api';
export { fixedLogGates } from './fixed';
export { gateBias, vectorGateBias } from './start';
