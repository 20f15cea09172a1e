export type * from './api';
export { backends } from './backends';
export { cacheFolder } from './cacheFolder';
export { dawnVersion } from './dawn';
export { engineFlags } from './engineFlags';
export { entryOf, openBackend, type ChooseOptions } from './openBackend';
export { revectorize } from './revectorize';
