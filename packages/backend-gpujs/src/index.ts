export type * from './api';
export { gpujs } from './backend';
