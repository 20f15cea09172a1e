export { ContentHash, contentHash } from './contentHash';
export { ConfigError, describeValue, isSympowError, OutOfMemoryError, ShapeError, SympowError } from './errors';
export type { ErrorDetails } from './errors';
export { requireKnownKeys } from './knownKeys';
export type { KnownKeys } from './knownKeys';
export { breathing, nextTurn } from './eventLoop';
export * from './random';
export { isError, isThenable, isTypedArray, messageOf, typedArrayKind } from './realms';
