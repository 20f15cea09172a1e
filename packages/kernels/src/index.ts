export type * from './api';
export * from './errors';
export * from './random';
export { breathing, nextTurn } from './eventLoop';
export { firstAvailable, type Choice } from './firstAvailable';
export { js, type JsOptions } from './js';
export { Memory, sizeOf, type Device } from './memory';
export { checked, signatures, type Signature } from './signatures';
