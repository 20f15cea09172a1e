import type { Phases } from './api';

export const none: Phases = {
  name: 'none',
  says: 'no rotation',
  turns: false,
  parameters: () => ({}),
  inputs: () => undefined,
};
