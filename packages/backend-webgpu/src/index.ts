export type * from './api';
export { webgpu } from './backend';
