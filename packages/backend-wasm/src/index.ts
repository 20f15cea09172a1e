export type * from './api';
export { wasm } from './backend';
