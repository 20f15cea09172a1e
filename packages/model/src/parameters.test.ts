import { js } from '@sympow/kernels';
import { tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { modelConfig, modelSize, variants } from './config';
import { Model } from './model';
import { initialValues, parameterSpecs } from './parameters';

const countOf = (config: Parameters<typeof parameterSpecs>[0]): number =>
  [...parameterSpecs(config).values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

describe('parameters', () => {
  it('of a full conformal layer have these names and shapes', () => {
    const shapes = [
      ...parameterSpecs(
        tinyConfig({
          layers: 1,
          keyValueHeads: 1,
          bias: true,
          queryKeyNorm: true,
          mlp: 'swiglu',
          tieEmbeddings: false,
        }),
      ),
    ].map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);
    expect(shapes).toEqual([
      'model.embed_tokens.weight [11, 8]',
      'model.embed_norm.weight [8]',
      'model.embed_norm.bias [8]',
      'model.layers.0.input_layernorm.weight [8]',
      'model.layers.0.input_layernorm.bias [8]',
      'model.layers.0.self_attn.q_proj.weight [8, 8]',
      'model.layers.0.self_attn.q_proj.bias [8]',
      'model.layers.0.self_attn.k_proj.weight [4, 8]',
      'model.layers.0.self_attn.k_proj.bias [4]',
      'model.layers.0.self_attn.v_proj.weight [4, 8]',
      'model.layers.0.self_attn.v_proj.bias [4]',
      'model.layers.0.self_attn.q_norm.weight [4]',
      'model.layers.0.self_attn.k_norm.weight [4]',
      'model.layers.0.self_attn.gate_proj.weight [1, 8]',
      'model.layers.0.self_attn.gate_proj.bias [1]',
      'model.layers.0.self_attn.beta_proj.weight [1, 8]',
      'model.layers.0.self_attn.o_proj.weight [8, 8]',
      'model.layers.0.self_attn.o_proj.bias [8]',
      'model.layers.0.post_attention_layernorm.weight [8]',
      'model.layers.0.post_attention_layernorm.bias [8]',
      'model.layers.0.mlp.gate_proj.weight [12, 8]',
      'model.layers.0.mlp.gate_proj.bias [12]',
      'model.layers.0.mlp.up_proj.weight [12, 8]',
      'model.layers.0.mlp.up_proj.bias [12]',
      'model.layers.0.mlp.down_proj.weight [8, 12]',
      'model.layers.0.mlp.down_proj.bias [8]',
      'model.norm.weight [8]',
      'model.norm.bias [8]',
      'lm_head.weight [11, 8]',
    ]);
  });

  it.each<[string, Parameters<typeof tinyConfig>[0], Record<string, number[] | undefined>]>([
    [
      'no gate, no phases',
      { gate: 'none', rotary: 'none' },
      { 'gate_proj.weight': undefined, 'beta_proj.weight': undefined, theta: undefined },
    ],
    ['fixed gates and phases', { gate: 'fixed', rotary: 'fixed' }, { 'gate_proj.bias': undefined, theta: undefined }],
    [
      'learned gates and phases',
      { gate: 'learned', rotary: 'learned' },
      { 'gate_proj.bias': [2], 'gate_proj.weight': undefined, theta: [2, 2] },
    ],
    [
      'vector gates, β per pair',
      { gate: 'vector', rotary: 'pair' },
      { 'gate_proj.weight': [8, 8], 'gate_proj.bias': [8], 'beta_proj.weight': [4, 8] },
    ],
    ['RMS norm with biases', { norm: 'rms', bias: true }, { 'q_proj.bias': [8] }],
  ])('with %s', (_, changes, expected) => {
    const specs = parameterSpecs(tinyConfig(changes));
    for (const [name, shape] of Object.entries(expected)) {
      expect(specs.get(`model.layers.1.self_attn.${name}`)?.shape, name).toEqual(shape);
    }
    expect(specs.has('model.layers.1.input_layernorm.bias')).toBe(false);
  });

  it.each([
    // 50,304·768 + 12·(12·768² + 2·768) + 2·768, gates 12·(12·768 + 12), rotations 12·(12·768).
    ['softmax', 123_588_096],
    ['sympow', 123_588_096],
    ['gated', 123_698_832],
    ['conformal', 123_809_424],
  ] as const)('of the paper’s shape as %s are %i', (variant, count) => {
    const config = modelConfig(variants[variant]);
    expect(countOf(config)).toBe(count);
    expect(modelSize(config, { batch: 1, context: 1 }).parameters).toBe(count);
  });

  it('decay where they are matrices, and nowhere else', () => {
    for (const [name, { shape, decays }] of parameterSpecs(tinyConfig({ bias: true, rotary: 'learned' }))) {
      expect(decays, name).toBe(shape.length === 2 && !name.endsWith('theta'));
    }
  });
});

describe('initial values', () => {
  const config = modelConfig({ vocabSize: 512, hiddenSize: 256, layers: 8, heads: 4, headSize: 64 });
  const specs = parameterSpecs(config);
  const statistics = (name: string, seed = 0) => {
    const values = initialValues(name, specs.get(name)!, seed);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return { mean, std: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length) };
  };

  it.each([
    ['model.embed_tokens.weight', 0, 0.02],
    ['model.layers.3.self_attn.q_proj.weight', 0, 0.02],
    ['model.layers.3.self_attn.o_proj.weight', 0, 0.02 / 4],
    ['model.layers.3.mlp.up_proj.weight', 0, 0.02],
    ['model.layers.3.mlp.down_proj.weight', 0, 0.02 / 4],
    ['model.layers.3.self_attn.gate_proj.bias', 6.906768, 0],
    ['model.layers.3.self_attn.beta_proj.weight', 0, 0],
    ['model.layers.3.input_layernorm.weight', 1, 0],
  ])('of %s have mean %d and standard deviation %d', (name, mean, std) => {
    const found = statistics(name);
    expect(Math.abs(found.mean - mean)).toBeLessThan(std === 0 ? 1e-6 : std / 50);
    expect(Math.abs(found.std - std)).toBeLessThan(std === 0 ? 1e-6 : std / 50);
  });

  it('of matrices grow with initStd, others do not', () => {
    const wide = parameterSpecs({ ...config, initStd: 0.1 });
    for (const [name, spec] of specs) {
      const matrix = spec.shape.length === 2 && !name.endsWith('beta_proj.weight');
      const scale = matrix ? 0.1 / 0.02 : 1;
      const values = initialValues(name, spec, 3).map((x) => x * scale);
      const grown = initialValues(name, wide.get(name)!, 3);
      expect(
        grown.every((x, i) => Math.abs(x - values[i]!) <= 1e-6 * Math.abs(x)),
        name,
      ).toBe(true);
    }
  });

  it('of w_β may be normal instead', () => {
    const spec = parameterSpecs(tinyConfig({ betaInit: 'normal' })).get('model.layers.0.self_attn.beta_proj.weight')!;
    expect(initialValues('β', spec, 0).every((x) => x !== 0)).toBe(true);
  });

  it('are a function of seed and name alone', async () => {
    const name = 'model.layers.0.self_attn.q_proj.weight';
    const [small, other] = [tinyConfig({ layers: 1 }), tinyConfig({ layers: 3, gate: 'none', mlp: 'swiglu' })];
    const residual = 'model.layers.0.mlp.down_proj.weight';
    const valuesOf = (config: typeof small, seed: number, of = name) =>
      initialValues(of, parameterSpecs(config).get(of)!, seed);
    expect(valuesOf(small, 1)).toEqual(valuesOf(other, 1));
    expect(valuesOf(small, 1)).not.toEqual(valuesOf(small, 2));
    expect(valuesOf(small, 1)).not.toEqual(valuesOf(small, 1, residual).subarray(0, 64));
    for (const backend of [await js().open(), await js({ float: 'float64' }).open()]) {
      const model = Model.create(backend, small, { seed: 1 });
      expect(Float32Array.from(await model.parameters.get(name)!.value.read())).toEqual(valuesOf(small, 1));
    }
  });
});
