export type * from './api';
export { backends } from './backends';
export { engineFlags } from './engineFlags';
export { entryOf, openBackend, type ChooseOptions } from './openBackend';
export { revectorize } from './revectorize';
