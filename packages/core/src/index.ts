export { ContentHash, contentHash } from './contentHash';
export { ConfigError, describeValue, OutOfMemoryError, ShapeError, SympowError } from './errors';
export type { ErrorDetails } from './errors';
export { breathing, nextTurn } from './eventLoop';
export * from './random';
