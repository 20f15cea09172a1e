/**
 * What the decoders of Hugging Face's library have in common: the settings of their `config.json`, and rotary embeddings that turn
 * number m of a head with number m + d/2. Here neighbours turn, so rows of queries and keys change places when they are read.
 */

import type { TypedArray } from '@sympow/kernels';
import type { ModelConfig, ModelOptions } from '../api';
import { modelSettings } from '../settings';
import type { ConfigJson, Origin } from './api';
import { flag, given, number, only, refusal, whole } from './settings';

/** Settings that the decoders share, with what they are where a file does not say. */
export function decoderOptions(json: ConfigJson, { tied = false, horizon = 2048 } = {}): ModelOptions {
  only(
    json,
    'quantization_config',
    [],
    'Weights of low precision are not read: use the checkpoint that they were made from.',
  );
  only(json, 'pruned_heads', [], 'All layers have the same number of heads here.');
  const [hiddenSize, heads] = [whole(json, 'hidden_size'), whole(json, 'num_attention_heads')];
  return {
    vocabSize: whole(json, 'vocab_size'),
    hiddenSize,
    layers: layersOf(json),
    heads,
    keyValueHeads: whole(json, 'num_key_value_heads', heads),
    headSize: whole(json, 'head_dim', hiddenSize / heads),
    intermediateSize: whole(json, 'intermediate_size'),
    embeddingNorm: false,
    tieEmbeddings: flag(json, 'tie_word_embeddings', tied),
    gate: 'none',
    rotary: 'rope',
    rotaryHorizon: Math.max(2, whole(json, 'max_position_embeddings', horizon)),
    initStd: number(json, 'initializer_range', 0.02) || 0.02,
    ...rope(json),
    attention: 'softmax',
  };
}

/** Of llama and what came of it: RMS norms and SwiGLU. */
export function llamaOptions(json: ConfigJson, defaults: { readonly horizon?: number } = {}): ModelOptions {
  only(json, 'hidden_act', ['silu', 'swish'], 'The MLP with three matrices has no other activation here.');
  return { ...decoderOptions(json, defaults), mlp: 'swiglu', norm: 'rms', normEps: number(json, 'rms_norm_eps', 1e-6) };
}

/** L, before anything is made for each of them. */
function layersOf(json: ConfigJson): number {
  const layers = whole(json, 'num_hidden_layers');
  const { check } = modelSettings.layers;
  if (check.holds(layers)) return layers;
  throw refusal('num_hidden_layers', layers, check.expected);
}

/** The base of the frequencies and how they are scaled, where either version of the library keeps it. */
function rope(json: ConfigJson): Pick<ModelOptions, 'ropeTheta' | 'ropeScaling'> {
  const own = (given(json, 'rope_parameters', 'rope_scaling') ?? {}) as ConfigJson;
  if (Object.values(own).some((value) => typeof value === 'object' && value !== null && !Array.isArray(value))) {
    throw refusal('rope_parameters', own, 'the same for all layers', 'All layers turn alike here.');
  }
  only({ ...json, ...own }, 'partial_rotary_factor', [1], 'Heads are turned as a whole here.');
  const ropeTheta = number({ rope_theta: given(own, 'rope_theta') ?? given(json, 'rope_theta') }, 'rope_theta', 10_000);
  const kind = given(own, 'rope_type', 'type') ?? 'default';
  const factor = () => number(own, 'factor');
  if (kind === 'default') return { ropeTheta, ropeScaling: 'none' };
  if (kind === 'linear') return { ropeTheta, ropeScaling: { kind, factor: factor() } };
  if (kind === 'llama3') {
    const context = number(own, 'original_max_position_embeddings');
    const [lowTurns, highTurns] = [number(own, 'low_freq_factor'), number(own, 'high_freq_factor')];
    return { ropeTheta, ropeScaling: { kind, factor: factor(), lowTurns, highTurns, context } };
  }
  const why = 'It changes the frequencies in a way that is not here.';
  throw refusal('rope_type', kind, 'default, linear or llama3', why);
}

/** Sliding windows: in all layers, or in those that the file says. */
export function windows(json: ConfigJson, used: boolean): Pick<ModelOptions, 'attention' | 'slidingWindow'> {
  const layers = layersOf(json);
  const types = given(json, 'layer_types');
  if (!used || given(json, 'sliding_window') === undefined) {
    const other = Array.isArray(types) ? (types as unknown[]).find((type) => type !== FULL) : undefined;
    if (other !== undefined) throw refusal('layer_types', other, FULL, 'The file names no sliding window.');
    return { attention: 'softmax' };
  }
  const slidingWindow = whole(json, 'sliding_window');
  if (types === undefined) {
    const full = given(json, 'max_window_layers') === undefined ? 0 : number(json, 'max_window_layers');
    const kinds = Array.from({ length: layers }, (_, layer) => (layer < full ? 'softmax' : 'window'));
    return { attention: simplest(kinds), slidingWindow };
  }
  if (!Array.isArray(types) || types.length !== layers) throw refusal('layer_types', types, `a list of ${layers}`);
  const kinds = types.map((type: unknown) => {
    if (type === FULL) return 'softmax';
    if (type === 'sliding_attention') return 'window';
    throw refusal(
      'layer_types',
      type,
      `${FULL} or sliding_attention`,
      'There is no other attention of this kind here.',
    );
  });
  return { attention: simplest(kinds), slidingWindow };
}

const FULL = 'full_attention';

function simplest(kinds: readonly string[]): string | readonly string[] {
  return kinds.every((kind) => kind === kinds[0]) ? kinds[0]! : kinds;
}

/** A weight of the same name, with the rows of queries and keys in their order here. */
export function decoderOrigin({ headSize }: ModelConfig, name: string): Origin {
  const turned = /\.self_attn\.[qk]_(proj|norm)\.(weight|bias)$/.test(name);
  return turned ? { name, map: (values, [rows]) => neighbours(values, rows!, headSize) } : { name };
}

/** Rows in heads of d, of which m and m + d/2 turn together, as 2m and 2m + 1. */
function neighbours(values: TypedArray, rows: number, d: number): TypedArray {
  const width = values.length / rows;
  const moved = values.slice();
  for (let row = 0; row < rows; row++) {
    const m = row % d;
    const to = row - m + (m < d / 2 ? 2 * m : 2 * m - d + 1);
    moved.set(values.subarray(row * width, (row + 1) * width), to * width);
  }
  return moved;
}

/** Constants that older versions saved beside the weights. */
export const decoderIgnores = /\.rotary_emb\.inv_freq$/;
