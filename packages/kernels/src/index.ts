export type * from './api';
export * from '@sympow/core';
export * from './errors';
export { firstAvailable, type Choice } from './firstAvailable';
export { js, type JsOptions } from './js';
export { Memory, sizeOf, type Device } from './memory';
export { checked, type UncheckedKernels } from './door';
export { signatures, type Signature } from './signatures';
export type { Sizes } from './sizes';
