// Checkpoints as Hugging Face's library lays them out, made here from models of our own: rows of heads in halves, halves of float16,
// shards, names of their own. That what comes out is what that library computes is the business of tools/golden.

import { js } from '@sympow/kernels';
import { memoryStorage, type Storage } from '@sympow/storage';
import { serializeSafetensors, type StoredDType, type TensorToStore } from '@sympow/safetensors';
import { livelyModel, logitsOf, relativeError, tokensOf } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { loadModel, readConfig, readJson, saveModel } from '../checkpoint';
import { configToJson, modelConfig } from '../config';
import { describeCheckpoint } from '../describeCheckpoint';
import { CheckpointError } from '../errors';
import type { Model } from '../model';
import { formats } from './index';

const backend = await js({ float: 'float64' }).open();

/** What every one of them says. */
const common = {
  ...{ vocab_size: 11, hidden_size: 12, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2 },
  ...{ head_dim: 4, intermediate_size: 10, rope_parameters: { rope_theta: 10_000, rope_type: 'default' } },
};
const files: Record<string, object> = {
  llama: { model_type: 'llama', ...common, hidden_act: 'silu', attention_bias: true, mlp_bias: true },
  mistral: { model_type: 'mistral', ...common, sliding_window: 5 },
  qwen2: { model_type: 'qwen2', ...common, tie_word_embeddings: true, use_sliding_window: false, sliding_window: 9 },
  qwen3: { model_type: 'qwen3', ...common, rope_parameters: undefined, rope_theta: 1e6 },
  starcoder2: { model_type: 'starcoder2', ...common, hidden_act: 'gelu_pytorch_tanh', use_bias: true },
};

/** Row r of a matrix of heads in halves is row `places(r)` of the one in neighbours: written out, not computed as when read. */
const places = (r: number) => r - (r % 4) + [0, 2, 1, 3][r % 4]!;

/** The weights of a model as the other library has them. */
async function theirs(model: Model, dtype: StoredDType): Promise<[string, TensorToStore][]> {
  const all: [string, TensorToStore][] = [];
  for (const [name, { value }] of model.parameters) {
    const ours = Float64Array.from(await value.read());
    const data = ours.slice();
    const rows = value.shape[0]!;
    const width = ours.length / rows;
    if (/[qk]_(proj|norm)/.test(name)) {
      for (let r = 0; r < rows; r++) data.set(ours.subarray(places(r) * width, (places(r) + 1) * width), r * width);
    }
    const starcoder = model.config.norm === 'layer';
    const other = starcoder ? name.replace('mlp.up_proj', 'mlp.c_fc').replace('mlp.down_proj', 'mlp.c_proj') : name;
    all.push([other, { shape: value.shape, data, dtype }]);
  }
  return all;
}

/** A folder with such a checkpoint, and the model that it was made from. */
async function written(name: string, options: { readonly dtype?: StoredDType; readonly shards?: number } = {}) {
  const { dtype = 'F64', shards = 1 } = options;
  const storage = memoryStorage(name);
  await storage.write('config.json', JSON.stringify(files[name]));
  const model = livelyModel(backend, await readConfig(storage));
  const tensors = await theirs(model, dtype);
  const file = (i: number) => (shards === 1 ? 'model.safetensors' : `model-0000${i + 1}-of-0000${shards}.safetensors`);
  for (let i = 0; i < shards; i++) {
    await storage.write(file(i), serializeSafetensors(tensors.filter((_, t) => t % shards === i)));
  }
  const map = Object.fromEntries(tensors.map(([key], t) => [key, file(t % shards)]));
  if (shards > 1) await storage.write('model.safetensors.index.json', JSON.stringify({ weight_map: map }));
  return { storage, model };
}

const error = async (storage: Storage) => loadModel(backend, storage).catch((cause: unknown) => cause as Error);

describe.each(Object.keys(files))('a checkpoint of %s', (name) => {
  it('computes what the model computes that it was made from', async () => {
    const { storage, model } = await written(name);
    const tokens = tokensOf(backend, model.config, 2, 13);
    const copy = await loadModel(backend, storage);
    expect(logitsOf(copy, tokens)).toEqual(logitsOf(model, tokens));
  });

  it('is ours once it is saved', async () => {
    const { storage } = await written(name);
    const copy = await loadModel(backend, storage);
    const saved = memoryStorage();
    await saveModel(saved, copy);
    expect(await readJson(saved, 'config.json')).toMatchObject({ model_type: 'conformal_sympow', rotary: 'rope' });
    const again = await loadModel(backend, saved);
    const tokens = tokensOf(backend, copy.config, 1, 9);
    expect(logitsOf(again, tokens)).toEqual(logitsOf(copy, tokens));
    expect((await describeCheckpoint(saved)).foreign).toBe(false);
  });
});

it.each([
  ['F32', 1e-6],
  ['F16', 1e-2],
  ['BF16', 1e-1],
] as const)('elements of %s in shards are read as they stand', async (dtype, most) => {
  const { storage, model } = await written('llama', { dtype, shards: 3 });
  const copy = await loadModel(backend, storage);
  const tokens = tokensOf(backend, model.config, 1, 5);
  const error = relativeError(logitsOf(copy, tokens), logitsOf(model, tokens));
  expect(error).toBeGreaterThan(0);
  expect(error).toBeLessThan(most);
  const words = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
  expect(await describeCheckpoint(storage)).toEqual({
    format: 'llama',
    foreign: true,
    says: `llama checkpoint of Hugging Face, 2 layers, softmax, ${words[dtype]}, 3 shards`,
  });
});

it('constants that older versions saved are not asked for', async () => {
  const { storage, model } = await written('llama');
  const tensors = await theirs(model, 'F32');
  tensors.push(['model.layers.0.self_attn.rotary_emb.inv_freq', { shape: [2], data: Float32Array.of(1, 1) }]);
  await storage.write('model.safetensors', serializeSafetensors(tensors));
  expect(await loadModel(backend, storage)).toBeDefined();
  tensors.push(['model.layers.0.self_attn.sinks', { shape: [2], data: Float32Array.of(1, 1) }]);
  await storage.write('model.safetensors', serializeSafetensors(tensors));
  expect(((await error(storage)) as Error).message).toMatch(/sinks"; expected only those of this model/);
});

describe('settings become', () => {
  const of = async (name: string, json: object) => {
    const storage = memoryStorage();
    await storage.write('config.json', JSON.stringify({ ...files[name], ...json }));
    return readConfig(storage);
  };

  it('frequencies, wherever either version of the library keeps them', async () => {
    const scaling = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
    const ropeScaling = { kind: 'llama3', factor: 8, lowTurns: 1, highTurns: 4, context: 8192 };
    const old = { rope_parameters: undefined, rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...scaling } };
    expect(await of('llama', old)).toMatchObject({ ropeTheta: 5e5, ropeScaling });
    const now = { rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', ...scaling } };
    expect(await of('llama', now)).toMatchObject({ ropeTheta: 5e5, ropeScaling });
    const linear = { rope_parameters: undefined, rope_scaling: { type: 'linear', factor: 2 } };
    expect(await of('llama', linear)).toMatchObject({ ropeTheta: 1e4, ropeScaling: { kind: 'linear', factor: 2 } });
  });

  it('biases of some projections', async () => {
    expect((await of('llama', { attention_bias: false, mlp_bias: false })).bias).toBe(false);
    expect((await of('llama', { mlp_bias: false })).bias).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj']);
    expect((await of('qwen2', {})).bias).toEqual(['q_proj', 'k_proj', 'v_proj']);
    expect((await of('starcoder2', { use_bias: false })).bias).toEqual(['norm']);
  });

  it('windows, in all layers or in some', async () => {
    const all = async (name: string, json: object) => {
      const { attention, slidingWindow } = await of(name, json);
      return [[attention].flat().map(({ name: kind }) => kind), slidingWindow];
    };
    const none = [['softmax'], 512];
    expect(await all('mistral', {})).toEqual([['window'], 5]);
    expect(await all('mistral', { sliding_window: null })).toEqual(none);
    expect(await all('starcoder2', { sliding_window: 7 })).toEqual([['window'], 7]);
    expect(await all('llama', { sliding_window: 7 })).toEqual(none);
    expect(await all('qwen2', {})).toEqual(none);
    const used = { use_sliding_window: true, sliding_window: 9 };
    expect(await all('qwen2', used)).toEqual([['softmax'], 9]);
    expect(await all('qwen2', { ...used, max_window_layers: 1 })).toEqual([['softmax', 'window'], 9]);
    expect(await all('qwen3', { ...used, max_window_layers: 0 })).toEqual([['window'], 9]);
    const types = ['sliding_attention', 'full_attention'];
    expect(await all('qwen3', { ...used, layer_types: types })).toEqual([['window', 'softmax'], 9]);
  });

  it('sizes, of which some follow from others', async () => {
    const { head_dim: _, num_key_value_heads: __, ...rest } = { ...files.llama, hidden_size: 16 } as typeof common;
    const storage = memoryStorage();
    await storage.write('config.json', JSON.stringify(rest));
    expect(await readConfig(storage)).toMatchObject({
      headSize: 4,
      keyValueHeads: 4,
      embeddingNorm: false,
      norm: 'rms',
    });
  });
});

describe('what cannot be had is refused with the setting and the reason', () => {
  it.each<[string, string, object, RegExp]>([
    [
      'frequencies of yarn',
      'llama',
      { rope_parameters: { rope_type: 'yarn', factor: 4 } },
      /rope_type in config\.json is "yarn".* default, linear or llama3\. It changes/,
    ],
    [
      'frequencies by layer',
      'qwen3',
      { rope_parameters: { full_attention: {} } },
      /rope_parameters .*All layers turn alike/,
    ],
    [
      'scaling without its factor',
      'llama',
      { rope_scaling: null, rope_parameters: { rope_type: 'linear' } },
      /factor in config\.json is undefined\); expected a number/,
    ],
    [
      'heads turned in part',
      'llama',
      { partial_rotary_factor: 0.5 },
      /partial_rotary_factor in config\.json is 0\.5\); expected 1/,
    ],
    [
      'another activation',
      'llama',
      { hidden_act: 'relu' },
      /hidden_act in config\.json is "relu"\); expected "silu" or "swish"\. The MLP/,
    ],
    ['exact GELU', 'starcoder2', { hidden_act: 'gelu' }, /hidden_act .* tanh form/],
    [
      'quantised weights',
      'qwen2',
      { quantization_config: { bits: 4 } },
      /quantization_config .*expected none\. Weights of low precision/,
    ],
    [
      'attention by chunks',
      'qwen3',
      { layer_types: ['full_attention', 'chunked_attention'] },
      /layer_types in config\.json is "chunked_attention"/,
    ],
    [
      'heads that do not fit',
      'llama',
      { num_key_value_heads: 3 },
      /heads is 4\); expected a multiple of keyValueHeads/,
    ],
    [
      'no size at all',
      'llama',
      { hidden_size: undefined },
      /hidden_size in config\.json is undefined\); expected a number/,
    ],
    ['a size in words', 'llama', { hidden_size: '12' }, /hidden_size in config\.json is "12"\); expected a number/],
    [
      'a size of part of a number',
      'llama',
      { intermediate_size: 1.5 },
      /intermediate_size .*a whole number of at least 1/,
    ],
    ['a size below nothing', 'mistral', { vocab_size: -1 }, /vocab_size in config\.json is -1/],
    ['a flag in words', 'llama', { attention_bias: 'no' }, /attention_bias .*true or false/],
    [
      'layers beyond number',
      'llama',
      { num_hidden_layers: 1e9 },
      /num_hidden_layers in config\.json is 1000000000\); expected .* at most 10000/,
    ],
    ['windows in them', 'qwen2', { use_sliding_window: true, num_hidden_layers: 1e12 }, /num_hidden_layers/],
    ['a list for a window', 'mistral', { sliding_window: [1] }, /sliding_window/],
    [
      'learned positions',
      'llama',
      { model_type: 'gpt2' },
      /model_type in config\.json is "gpt2".* learned vector for each of its positions/,
    ],
    [
      'another model',
      'llama',
      { model_type: 'mamba' },
      /model_type in config\.json is "mamba"\); expected one of conformal_sympow, llama, mistral/,
    ],
  ])('%s', async (_, name, json, message) => {
    const { storage } = await written(name);
    await storage.write('config.json', JSON.stringify({ ...files[name], ...json }));
    const found = await error(storage);
    expect(found).toBeInstanceOf(CheckpointError);
    expect((found as Error).message).toMatch(message);
    expect((found as Error).message).not.toContain('\n');
  });

  it('sizes that the files do not have, before anything is allocated', async () => {
    const { storage } = await written('llama');
    const before = backend.memory();
    for (const json of [{ hidden_size: 2 ** 40, head_dim: 4 }, { vocab_size: 2 ** 50 }, { head_dim: 2 ** 45 }]) {
      await storage.write('config.json', JSON.stringify({ ...files.llama, ...json }));
      expect(((await error(storage)) as Error).message).toMatch(/expected \[/);
    }
    expect(backend.memory().liveBuffers).toBe(before.liveBuffers);
  });
});

it('settings that came later stand in config.json only where they are not at their default', () => {
  const plain = modelConfig({ vocabSize: 11, hiddenSize: 8, layers: 1, heads: 2, headSize: 4 });
  expect(Object.keys(configToJson(plain))).not.toContain('rope_theta');
  expect(configToJson(modelConfig({ ...plain, ropeTheta: 1e6 }))).toMatchObject({ rope_theta: 1e6 });
});

it.each(Object.entries(formats))('the format %s bears the name that it is found by', async (name, load) => {
  expect((await load()).name).toBe(name);
});
