/** What a model takes to read text, known from its configuration alone. */

import { ConfigError } from '@sympow/kernels';
import { kindsOfLayers, modelSize, parameterSpecs, type ComputeOptions, type ModelConfig } from '@sympow/model';
import type { ModelCosts } from './api';

/**
 * Bytes and operations per token of a model that reads sequences of `context` tokens.
 *
 * @throws ConfigError for a context that is not a whole number of at least 1
 * @example
 * ```ts
 * import { modelCosts } from '@sympow/evaluation';
 * import { modelConfig } from '@sympow/model';
 * const { stateBytes, cacheBytes, weightToState } = modelCosts(modelConfig(), { context: 65_536 });
 * console.log(cacheBytes > stateBytes, weightToState.toFixed(2)); // true 3.18
 * ```
 */
export function modelCosts(config: ModelConfig, { context }: { readonly context: number }): ModelCosts {
  if (!Number.isSafeInteger(context) || context < 1) {
    throw new ConfigError({ what: 'context', value: context, expected: 'a whole number of at least 1' });
  }
  const { parameters, stateBytes, cacheBytes } = modelSize(config, { batch: 1, context });
  const weightFlops = 2 * weightsPerToken(config);
  const stateFlops = kindsOfLayers(config).reduce((sum, kind) => sum + kind.streamFlops(config, context), 0);
  return { parameters, stateBytes, cacheBytes, weightFlops, stateFlops, weightToState: weightFlops / stateFlops };
}

/**
 * Operations per token of training on sequences of `context` tokens, in the form that is taken there: forward, and twice as many
 * backward. A state costs nothing where the attention form needs none.
 *
 * @example
 * ```ts
 * import { trainingFlops } from '@sympow/evaluation';
 * import { modelConfig } from '@sympow/model';
 * const model = modelConfig({ power: 4 });
 * console.log(trainingFlops(model, { context: 256 }) < trainingFlops(model, { context: 256, form: 'chunked' })); // true
 * ```
 */
export function trainingFlops(
  config: ModelConfig,
  { context: T, ...compute }: ComputeOptions & { readonly context: number },
): number {
  const { weightFlops } = modelCosts(config, { context: T });
  const attending = kindsOfLayers(config).reduce((sum, kind) => sum + kind.sequenceFlops(config, T, compute), 0);
  return 3 * (weightFlops + attending);
}

/** Entries of all matrices that a token is multiplied with. */
function weightsPerToken(config: ModelConfig): number {
  let weights = 0;
  for (const [name, { shape }] of parameterSpecs(config)) {
    const lookedUp = name === 'model.embed_tokens.weight' && !config.tieEmbeddings;
    if (shape.length === 2 && name.endsWith('.weight') && !lookedUp) weights += shape[0]! * shape[1]!;
  }
  return weights;
}
