/** What a configuration is made of, to be handed in where it is read from a file again. */

import type { ModelConfig, ModelEntries } from './api';
import { kindsOfLayers } from './kindsOfLayers';

/** The entries of a configuration, its own and those of the packages. */
export function entriesOf(config: ModelConfig): Required<ModelEntries> {
  return { kinds: [...new Set(kindsOfLayers(config))], gates: [config.gate], phases: [config.rotary] };
}
