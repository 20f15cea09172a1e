/** Models small enough to be checked number by number, for tests only. */

import { Tape } from '@sympow/autograd';
import { Random, type Backend, type Tensor } from '@sympow/kernels';
import {
  Model,
  modelConfig,
  parameterSpecs,
  variants,
  type ComputeOptions,
  type ModelConfig,
  type ModelOptions,
} from '@sympow/model';

export { ranksInOneProcess } from './ranks';

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

/** Every setting of the configuration at least once, and every variant. */
export const tinyConfigs: readonly { readonly name: string; readonly config: ModelConfig }[] = (
  [
    { ...variants.softmax },
    { ...variants.softmax, gate: 'data', keyValueHeads: 1, norm: 'rms', mlp: 'swiglu' },
    { ...variants.sympow, bias: true },
    { ...variants.gated, tieEmbeddings: false, queryKeyNorm: true },
    { ...variants.conformal, power: 4, mlp: 'swiglu', norm: 'rms' },
    { ...variants.conformal, keyValueHeads: 1, bias: true, queryKeyNorm: true, embeddingNorm: false },
    { gate: 'fixed', rotary: 'learned', tieEmbeddings: false, bias: true, mlp: 'swiglu' },
    { gate: 'learned', rotary: 'pair', keyValueHeads: 1, betaInit: 'normal' },
    { gate: 'vector', rotary: 'none', norm: 'rms', bias: true },
    { gate: 'data', rotary: 'data', power: 3, normalizer: 'none' },
    { attention: 'delta', gate: 'data', rotary: 'none', keyValueHeads: 1 },
    { attention: 'delta-negative-gated', gate: 'none', rotary: 'fixed' },
    { attention: 'mixed', gate: 'data', rotary: 'fixed' },
  ] satisfies ModelOptions[]
).map((changes) => ({
  name: Object.entries(changes)
    .map(([key, value]) => `${key} ${String(value as string | number | boolean)}`)
    .join(', '),
  config: tinyConfig(changes),
}));

/** A model whose weights are far from where training starts, so that every part of it matters. */
export function livelyModel(backend: Backend, config: ModelConfig, compute: ComputeOptions = {}): Model {
  const weights = [...parameterSpecs(config)].map(([name, { shape }]) => {
    const values = new Random(1, name).fillNormal(new Float64Array(shape.reduce((a, b) => a * b, 1)), 0.3);
    const offset = name.endsWith('norm.weight') || name.endsWith('theta') ? 1 : 0;
    return [name, values.map((x) => x + offset)] as const;
  });
  return Model.fromWeights(backend, config, new Map(weights), compute);
}

/** Reproducible tokens [B, T]. */
export function tokensOf(backend: Backend, { vocabSize }: ModelConfig, B: number, T: number): Tensor {
  const random = new Random(2, 'tokens');
  return backend.upload(
    Int32Array.from({ length: B * T }, () => random.integer(vocabSize)),
    [B, T],
  );
}

/** Logits [B, T, V] of a whole sequence. */
export function logitsOf(model: Model, tokens: Tensor): Float64Array {
  const { backend } = model;
  return backend.scope(() => {
    const logits = model.forward(new Tape(backend, { record: false }), tokens);
    return Float64Array.from(backend.readSync!(logits.value));
  });
}

/** ‖a − b‖ / ‖b‖; infinite where a has another length or a NaN. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  if (Number.isNaN(difference)) return Infinity;
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}
