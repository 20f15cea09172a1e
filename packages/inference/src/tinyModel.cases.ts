/** Models small enough to be checked number by number, for tests only. */

import { Tape } from '@sympow/autograd';
import { Random, type Backend, type Tensor } from '@sympow/kernels';
import { Model, modelConfig, parameterSpecs, type ModelConfig, type ModelOptions } from '@sympow/model';

const tiny = {
  vocabSize: 11,
  hiddenSize: 8,
  layers: 2,
  heads: 2,
  headSize: 4,
  intermediateSize: 12,
  rotaryHorizon: 100,
};

export const tinyConfig = (changes: ModelOptions = {}): ModelConfig => modelConfig({ ...tiny, ...changes });

/** A model whose weights are far from where training starts, so that every part of it matters. */
export function livelyModel(backend: Backend, config: ModelConfig): Model {
  const weights = [...parameterSpecs(config)].map(([name, { shape }]) => {
    const values = new Random(1, name).fillNormal(new Float64Array(shape.reduce((a, b) => a * b, 1)), 0.3);
    return [name, values.map((x) => (name.endsWith('norm.weight') ? x + 1 : x))] as const;
  });
  return Model.fromWeights(backend, config, new Map(weights));
}

/** Logits [B, T, V] of a whole sequence. */
export function logitsOf(model: Model, tokens: Tensor): Float64Array {
  const { backend } = model;
  return backend.scope(() => {
    const logits = model.forward(new Tape(backend, { record: false }), tokens);
    return Float64Array.from(backend.readSync!(logits.value));
  });
}
