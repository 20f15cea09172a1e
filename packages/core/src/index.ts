export type {} from './disposable';
export { gather, gatherNumbers, oneProcess, requireSame, rounds, together, type Communicator } from './communicator';
export { controls, valuesOf, type Control, type FormFields, type FormValues } from './controls';
export { ContentHash, contentHash } from './contentHash';
export { ConfigError, describeValue, isSympowError, OutOfMemoryError, ShapeError, SympowError } from './errors';
export type { ErrorDetails } from './errors';
export { fromHalves, toHalves } from './halves';
export type { HalfType } from './halves';
export { requireKnownKeys } from './knownKeys';
export type { KnownKeys } from './knownKeys';
export { requireWhole } from './requireWhole';
export { breathing, nextTurn } from './eventLoop';
export * from './random';
export {
  defaultsOf,
  numberAbove,
  oneOfWords,
  realNumber,
  requireSettings,
  wholeNumber,
  yesOrNo,
  type Check,
  type Flag,
  type Setting,
} from './setting';
export { isError, isThenable, isTypedArray, messageOf, typedArrayKind } from './realms';
