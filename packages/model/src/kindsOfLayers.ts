/** Which kind of attention each layer is of. */

import type { AttentionKind } from '@sympow/recurrence';
import type { ModelConfig } from './api';

/** The kind of a layer. */
export function kindOf({ attention }: Pick<ModelConfig, 'attention'>, layer: number): AttentionKind {
  return isList(attention) ? attention[layer]! : attention;
}

/** The kinds of all layers. */
export function kindsOfLayers(config: ModelConfig): readonly AttentionKind[] {
  return Array.from({ length: config.layers }, (_, layer) => kindOf(config, layer));
}

/** Told apart from an entry, which `Array.isArray` does not where lists are read-only. */
export function isList(attention: ModelConfig['attention']): attention is readonly AttentionKind[] {
  return Array.isArray(attention);
}
