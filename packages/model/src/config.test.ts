import { Tape } from '@sympow/autograd';
import { ConfigError, js, OutOfMemoryError } from '@sympow/kernels';
import { gates, phases } from '@sympow/recurrence';
import { tinyConfig, tinyConfigs, tokensOf } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import type { ComputeOptions, ModelOptions } from './api';
import { configFromJson, configToJson, memoryShape, modelConfig, modelSize, variantOf, variants } from './config';
import { kindsOfLayers } from './kindsOfLayers';
import { Model } from './model';

const namesOf = (entries: readonly { name: string }[]) => entries.map(({ name }) => name).join(', ');

describe('defaults', () => {
  it('are the paper’s 124M shape, conformal', () => {
    const config = modelConfig();
    expect(config).toMatchObject({
      layers: 12,
      heads: 12,
      keyValueHeads: 12,
      headSize: 64,
      vocabSize: 50_304,
      intermediateSize: 3072,
    });
    expect(variantOf(config)).toBe('conformal');
  });

  it.each([
    [{ hiddenSize: 128 }, 512],
    [{ hiddenSize: 768, mlp: 'swiglu' }, 2048],
    [{ hiddenSize: 100, mlp: 'swiglu' }, 272],
    [{ hiddenSize: 128, intermediateSize: 7 }, 7],
  ] as const)('%j make the MLP %i wide', (options, width) => {
    expect(modelConfig(options).intermediateSize).toBe(width);
  });

  it('stand in for settings that are undefined', () => {
    expect(modelConfig({ power: undefined as never, keyValueHeads: undefined as never })).toEqual(modelConfig());
  });

  it.each(Object.keys(variants) as (keyof typeof variants)[])('know the variant %s', (variant) => {
    expect(variantOf(modelConfig(variants[variant]))).toBe(variant);
  });

  it('call any other combination custom', () => {
    expect(variantOf(modelConfig({ gate: 'vector' }))).toBe('custom');
  });
});

describe('what cannot be is refused in one line', () => {
  it.each<[string, Record<string, unknown>, string | RegExp]>([
    [
      'heads that do not divide',
      { heads: 6, keyValueHeads: 4 },
      'heads is 6; expected a multiple of keyValueHeads, 4. Every key/value head serves the same number of query heads.',
    ],
    ['a power of 0', { power: 0 }, 'power is 0; expected a whole number of at least 1.'],
    ['half a power', { power: 1.5 }, 'power is 1.5; expected a whole number of at least 1.'],
    [
      'an odd power with a normalizer',
      { power: 3 },
      /^power is 3; expected an even number with normalizer sum.* Use an even power, or normalizer none\.$/,
    ],
    [
      'an odd head size with phases',
      { headSize: 5 },
      'headSize is 5; expected an even number, for pairs to rotate. Or set rotary to none.',
    ],
    [
      'a setting that is none',
      { hiddenSise: 8 },
      /^a setting is "hiddenSise"; expected one of .*hiddenSize.*keyValueHeads.*intermediateSize/,
    ],
    ['a setting of every object', { toString: 1 }, /^a setting is "toString"/],
    ['no layers', { layers: 0 }, 'layers is 0; expected a whole number of at least 1 and at most 10000.'],
    [
      'a vocabulary that is no number',
      { vocabSize: '256' },
      'vocabSize is "256"; expected a whole number of at least 1.',
    ],
    ['an unknown gate', { gate: 'strong' }, `gate is "strong"; expected one of ${namesOf(gates)}.`],
    ['an unknown rotary', { rotary: 'yarn' }, `rotary is "yarn"; expected one of ${namesOf(phases)}.`],
    ['an unknown norm', { norm: 'batch' }, 'norm is "batch"; expected one of layer, rms.'],
    ['a bias that is no choice', { bias: 1 }, /^bias is 1; expected true, false, or a list of some of q_proj/],
    ['a horizon of 1', { rotaryHorizon: 1 }, 'rotaryHorizon is 1; expected a number above 1.'],
    ['a horizon without end', { rotaryHorizon: Infinity }, /^rotaryHorizon is Infinity/],
    ['weights that start at nothing', { initStd: 0 }, 'initStd is 0; expected a number above 0.'],
    ['weights that start without end', { initStd: Infinity }, /^initStd is Infinity/],
    ['a negative eps', { normEps: -1 }, 'normEps is -1; expected a number from 0 to 1.'],
    [
      'vector gates with softmax',
      { attention: 'softmax', gate: 'vector' },
      'gate is "vector"; expected none, fixed, learned or data with softmax attention.',
    ],
  ])('%s', (_, options, message) => {
    expect(() => modelConfig(options)).toThrow(ConfigError);
    expect(() => modelConfig(options)).toThrow(message);
  });

  it('a state too large for any machine', () => {
    expect(() => modelConfig({ headSize: 128, power: 8 })).toThrow(OutOfMemoryError);
  });

  it('an odd head size is fine where nothing turns, and any power with softmax', () => {
    expect(modelConfig({ headSize: 5, rotary: 'none' }).headSize).toBe(5);
    expect(modelConfig({ attention: 'softmax', power: 3 }).power).toBe(3);
  });
});

describe('config.json', () => {
  it.each(tinyConfigs)('goes round: $name', ({ config }) => {
    expect(configFromJson(JSON.parse(JSON.stringify(configToJson(config))))).toEqual(config);
  });

  it('uses the names of Hugging Face where they exist', () => {
    expect(configToJson(modelConfig())).toMatchObject({
      model_type: 'conformal_sympow',
      hidden_size: 768,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      num_key_value_heads: 12,
      head_dim: 64,
      intermediate_size: 3072,
      vocab_size: 50_304,
      max_position_embeddings: 65_536,
      tie_word_embeddings: true,
    });
  });

  it('may hold more than a model needs', () => {
    expect(configFromJson({ ...configToJson(tinyConfig()), transformers_version: '4' })).toEqual(tinyConfig());
  });

  it.each([[null], [[]], ['{}'], [{}], [{ model_type: 'llama' }]])('is refused where it is %j', (json) => {
    expect(() => configFromJson(json)).toThrow(/^model_type in config\.json is .*; expected conformal_sympow\.$/);
  });

  it('is refused with values that do not fit', () => {
    expect(() => configFromJson({ ...configToJson(tinyConfig()), power: 0 })).toThrow(ConfigError);
    expect(() => configFromJson({ ...configToJson(tinyConfig()), head_dim: null })).toThrow(ConfigError);
  });

  const names = Object.keys(configToJson(tinyConfig())).filter((name) => name !== 'model_type');
  it.each(names)('is refused where %s is of another type', (name) => {
    const good = configToJson(tinyConfig());
    const others: unknown[] = [
      [],
      [good[name]],
      {},
      { toString: 1 },
      { valueOf: 1, toString: 1 },
      `${String(good[name])} `,
      NaN,
    ];
    for (const value of others) expect(() => configFromJson({ ...good, [name]: value })).toThrow(ConfigError);
  });
});

describe('what a model will take', () => {
  it('counts parameters, weights and states exactly', async () => {
    const backend = await js().open();
    for (const { config } of tinyConfigs) {
      const model = Model.create(backend, config);
      const { parameters, weightBytes, stateBytes } = modelSize(config, { batch: 1, context: 1 });
      const counted = [...model.parameters.values()].reduce((sum, { value }) => sum + value.size, 0);
      expect(parameters).toBe(counted);
      expect(weightBytes).toBe(4 * counted);
      if (!kindsOfLayers(config).some(({ grows }) => grows)) expect(stateBytes).toBe(model.memory().bytes);
      expect(memoryShape(config, 3).B).toBe(3);
    }
  });

  const shapes: readonly [string, ModelOptions, { batch: number; context: number }, ComputeOptions][] = [
    [
      'small vocabulary, short context',
      { vocabSize: 256, hiddenSize: 64, layers: 4, heads: 4, headSize: 16 },
      { batch: 2, context: 64 },
      {},
    ],
    [
      'large vocabulary',
      { vocabSize: 4096, hiddenSize: 32, layers: 2, heads: 2, headSize: 16 },
      { batch: 2, context: 64 },
      {},
    ],
    [
      'chunks with states',
      { vocabSize: 64, hiddenSize: 32, layers: 3, heads: 2, headSize: 16, power: 2 },
      { batch: 1, context: 512 },
      { form: 'chunked', chunk: 64 },
    ],
    [
      'SwiGLU and no phases',
      {
        vocabSize: 128,
        hiddenSize: 48,
        layers: 3,
        heads: 3,
        headSize: 16,
        mlp: 'swiglu',
        rotary: 'none',
        gate: 'none',
      },
      { batch: 4, context: 100 },
      {},
    ],
    [
      'softmax',
      { ...variants.softmax, vocabSize: 128, hiddenSize: 48, layers: 3, heads: 3, headSize: 16 },
      { batch: 2, context: 200 },
      {},
    ],
    [
      'states of power 4',
      { vocabSize: 64, hiddenSize: 32, layers: 2, heads: 2, headSize: 8, power: 4 },
      { batch: 1, context: 256 },
      { form: 'chunked', chunk: 32 },
    ],
  ];

  it.each(shapes)('estimates the memory of training to a third: %s', async (_, options, shape, compute) => {
    const backend = await js().open();
    const config = modelConfig(options);
    const model = Model.create(backend, config, compute);
    // AdamW's two moments per parameter.
    for (const { value } of [...model.parameters.values(), ...model.parameters.values()]) backend.empty(value.shape);
    backend.scope(() => {
      const tape = new Tape(backend);
      const tokens = tokensOf(backend, config, shape.batch, shape.context);
      const losses = model.loss(tape, tokens, tokens);
      tape.backward([[losses, backend.upload(new Float32Array(tokens.size).fill(1), tokens.shape)]]);
    });
    const { trainingBytes } = modelSize(config, shape, compute);
    const ratio = trainingBytes / backend.memory().peakBytes;
    expect(ratio).toBeGreaterThan(0.65);
    expect(ratio).toBeLessThan(1.35);
  });
});
