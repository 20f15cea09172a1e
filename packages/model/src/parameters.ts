/** The parameters of a model: their names, shapes and where they start. One line per parameter, in the order of the data. */

import { Random } from '@sympow/kernels';
import { matrixSpec, vectorSpec, type Init, type ParameterSpec } from '@sympow/recurrence';
import type { ModelConfig } from './api';
import { kindOf } from './kindsOfLayers';

/** Every parameter by its name. */
export function parameterSpecs(config: ModelConfig): Map<string, ParameterSpec> {
  const { vocabSize, hiddenSize, layers, heads: H, keyValueHeads: G, headSize: d, intermediateSize } = config;
  const { bias, norm, mlp, gate, rotary, queryKeyNorm, embeddingNorm, tieEmbeddings, initStd: std } = config;
  const specs = new Map<string, ParameterSpec>();
  const vector = (name: string, size: number, init: Init) => specs.set(name, vectorSpec(size, init));
  const matrix = (name: string, out: number, inputs: number, init: Init = { std }, biased = bias) => {
    specs.set(`${name}.weight`, matrixSpec(out, inputs, init));
    if (biased) vector(`${name}.bias`, out, { value: 0 });
  };
  const normed = (name: string, size: number, kind = norm) => {
    vector(`${name}.weight`, size, { value: 1 });
    if (bias && kind === 'layer') vector(`${name}.bias`, size, { value: 0 });
  };
  // Residual projections start smaller, so that the sum over 2L of them starts at the scale of one.
  const residual = { std: std / Math.sqrt(2 * layers) };

  matrix('model.embed_tokens', vocabSize, hiddenSize, { std }, false);
  if (embeddingNorm) normed('model.embed_norm', hiddenSize);
  for (let layer = 0; layer < layers; layer++) {
    const block = `model.layers.${layer}`;
    const attention = `${block}.self_attn`;
    normed(`${block}.input_layernorm`, hiddenSize);
    matrix(`${attention}.q_proj`, H * d, hiddenSize);
    matrix(`${attention}.k_proj`, G * d, hiddenSize);
    matrix(`${attention}.v_proj`, G * d, hiddenSize);
    if (queryKeyNorm) {
      normed(`${attention}.q_norm`, d, 'rms');
      normed(`${attention}.k_norm`, d, 'rms');
    }
    for (const entry of [gate, rotary, kindOf(config, layer)]) {
      for (const [name, spec] of Object.entries(entry.parameters?.(config) ?? {}))
        specs.set(`${attention}.${name}`, spec);
    }
    matrix(`${attention}.o_proj`, hiddenSize, H * d, residual);
    normed(`${block}.post_attention_layernorm`, hiddenSize);
    if (mlp === 'swiglu') matrix(`${block}.mlp.gate_proj`, intermediateSize, hiddenSize);
    matrix(`${block}.mlp.up_proj`, intermediateSize, hiddenSize);
    matrix(`${block}.mlp.down_proj`, hiddenSize, intermediateSize, residual);
  }
  normed('model.norm', hiddenSize);
  if (!tieEmbeddings) matrix('lm_head', vocabSize, hiddenSize, { std }, false);
  return specs;
}

/** Starting values of one parameter: a function of seed and name alone, whatever else the model holds. */
export function initialValues(name: string, { shape, init }: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if ('std' in init) new Random(seed, `init/${name}`).fillNormal(values, init.std);
  else if ('value' in init) values.fill(init.value);
  else values.set(init.values());
  return values;
}
