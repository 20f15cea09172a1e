export type * from './api';
export * from '@sympow/core';
export * from './errors';
export { firstAvailable, type Choice } from './firstAvailable';
export { js, type JsOptions } from './js';
export { Memory, sizeOf, type Device } from './memory';
export { checked, signatures, type Signature } from './signatures';
