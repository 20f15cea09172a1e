/** The parameters of a model: their names, shapes and where they start, in the order of the data. */

import { Random } from '@sympow/kernels';
import { matrixSpec, type ParameterSpec } from '@sympow/recurrence';
import type { ModelConfig } from './api';
import { CheckpointError } from './errors';
import { kindsOfLayers } from './kindsOfLayers';
import { block } from './layers/block';
import { norm } from './layers/norm';
import { within, type Specs } from './layers/weights';

/** Every parameter by its name. */
export function parameterSpecs(config: ModelConfig): Map<string, ParameterSpec> {
  const { vocabSize, hiddenSize, embeddingNorm, tieEmbeddings, initStd: std } = config;
  const specs = new Map<string, ParameterSpec>();
  const add = (part: string, own: Specs) => {
    for (const [name, spec] of Object.entries(within(part, own))) specs.set(name, spec);
  };
  const tokens = { weight: matrixSpec(vocabSize, hiddenSize, { std }) };
  add('model.embed_tokens', tokens);
  if (embeddingNorm) add('model.embed_norm', norm.parameters(config, hiddenSize));
  for (const [i, kind] of kindsOfLayers(config).entries()) add(`model.layers.${i}`, block.parameters(config, kind));
  add('model.norm', norm.parameters(config, hiddenSize));
  if (!tieEmbeddings) add('lm_head', tokens);
  return specs;
}

/** Starting values of one parameter: a function of seed and name alone, whatever else the model holds. */
export function initialValues(name: string, { shape, init }: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if ('std' in init) new Random(seed, `init/${name}`).fillNormal(values, init.std);
  else if ('value' in init) values.fill(init.value);
  else values.set(init.values());
  return values;
}

/** @throws CheckpointError for a weight that is missing or of another size, or for one that the model does not have */
export function requireWeights(
  specs: ReadonlyMap<string, ParameterSpec>,
  weights: ReadonlyMap<string, ArrayLike<number>>,
): void {
  const foreign = [...weights.keys()].find((name) => !specs.has(name));
  if (foreign !== undefined) {
    throw new CheckpointError({
      what: 'a weight',
      value: foreign,
      expected: 'only weights that config.json asks for',
      remedy: 'Check that both files belong together.',
    });
  }
  for (const [name, { shape }] of specs) {
    const size = sizeOf(shape);
    if (weights.get(name)?.length === size) continue;
    throw new CheckpointError({
      what: `weight ${name}`,
      value: weights.has(name) ? `${weights.get(name)!.length} numbers` : 'missing',
      expected: `${size} numbers, [${shape.join(', ')}]`,
      remedy: 'Check that weights and config.json belong together.',
    });
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
