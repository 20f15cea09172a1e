import { optionsFromJson } from '../config';
import type { CheckpointFormat } from './api';

/** What this package writes. */
export const sympow: CheckpointFormat = {
  name: 'conformal_sympow',
  says: 'checkpoint of sympow',
  config: optionsFromJson,
};
