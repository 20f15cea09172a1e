export type {
  EmbeddingDegree,
  EmbeddingPlan,
  EmbeddingRuns,
  EmbedOptions,
  FloatArray,
  LayoutMap,
  LayoutMapOptions,
  TiledEmbedOptions,
} from './api';
export { embed, embedBackward, embedBatch, embedBatchBackward } from './embed';
export { ConfigError, describeValue, OutOfMemoryError, ShapeError, SympowError } from '@sympow/core';
export type { ErrorDetails } from '@sympow/core';
export { embeddingWeights, multiIndexRank, multiIndices } from './multiIndex';
export { embeddingPlan } from './plan';
export { embeddingRuns } from './runs';
export { embeddedSize, MAX_ENTRIES, tiledSize } from './size';
export { applyLayoutMap, lexicographicToTiled, tiledEmbed, tiledToLexicographic } from './tiled';
