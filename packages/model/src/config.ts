/** The configuration: defaults, variants, validation, what it will cost, and its form on disk. */

import { ConfigError } from '@sympow/kernels';
import {
  gates,
  kinds,
  phases,
  requireRopeScaling,
  softmaxRecurrence,
  type AttentionKind,
  type MemoryShape,
} from '@sympow/recurrence';
import type { BiasedPart, ComputeOptions, ModelConfig, ModelEntries, ModelOptions, ModelSize, Variant } from './api';
import { isList, kindsOfLayers } from './kindsOfLayers';
import { ATTENTION_PROJECTIONS, MLP_PROJECTIONS } from './layers/weights';
import { parameterSpecs } from './parameters';

/** The paper's 124M shape. `intermediateSize` follows `hiddenSize` (4× for GELU, ⅔ of that for SwiGLU) unless given. */
const defaults: Required<Omit<ModelOptions, 'intermediateSize' | 'keyValueHeads'>> = {
  vocabSize: 50_304,
  hiddenSize: 768,
  layers: 12,
  heads: 12,
  headSize: 64,
  mlp: 'gelu',
  norm: 'layer',
  normEps: 1e-5,
  embeddingNorm: true,
  queryKeyNorm: false,
  bias: false,
  tieEmbeddings: true,
  attention: 'power',
  power: 2,
  normalizer: 'sum',
  slidingWindow: 512,
  gate: 'data',
  rotary: 'data',
  rotaryHorizon: 65_536,
  ropeTheta: 10_000,
  ropeScaling: 'none',
  initStd: 0.02,
  betaInit: 'zero',
};

/** Settings of each variant: the four of the paper, and one change to each that says what its parts are worth. */
export const variants: Readonly<Record<Variant, ModelOptions>> = {
  softmax: { attention: 'softmax', gate: 'none', rotary: 'fixed' },
  sympow: { attention: 'power', gate: 'none', rotary: 'fixed' },
  gated: { attention: 'power', gate: 'data', rotary: 'fixed' },
  conformal: { attention: 'power', gate: 'data', rotary: 'data' },
  'gated-softmax': { attention: 'softmax', gate: 'data', rotary: 'fixed' },
  'rotary-only': { attention: 'power', gate: 'none', rotary: 'data' },
  'fixed-gates': { attention: 'power', gate: 'fixed', rotary: 'fixed' },
  'learned-gates': { attention: 'power', gate: 'learned', rotary: 'fixed' },
  // Gates per dimension do not commute with rotations: with both, a document's numbers depend on the phase that it begins at.
  'vector-gates': { attention: 'power', gate: 'vector', rotary: 'none' },
  'pair-rotary': { attention: 'power', gate: 'data', rotary: 'pair' },
  delta: { attention: 'delta', gate: 'data', rotary: 'none' },
};

/** The variant's name, or `custom` for another combination of attention, gate and rotary. */
export function variantOf(config: ModelConfig): Variant | 'custom' {
  const json = configToJson(config);
  const matches = (settings: ModelOptions) => Object.entries(settings).every(([key, value]) => json[key] === value);
  return (Object.keys(variants) as Variant[]).find((name) => matches(variants[name])) ?? 'custom';
}

/**
 * Fills in defaults and checks every value against the others.
 *
 * @param entries - entries of your own that `options` may name; an entry may also stand there itself
 * @throws ConfigError that names the value, what was expected and the remedy
 * @example
 * ```ts
 * import { modelConfig, variants } from '@sympow/model';
 * const config = modelConfig({ ...variants.conformal, vocabSize: 256, hiddenSize: 128, layers: 4, heads: 4, headSize: 32 });
 * console.log(config.intermediateSize); // 512
 * ```
 */
export function modelConfig(options: ModelOptions = {}, entries: ModelEntries = {}): ModelConfig {
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(keys, key)) {
      throw new ConfigError({ what: 'a setting', value: key, expected: `one of ${Object.keys(keys).join(', ')}` });
    }
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const merged = { ...defaults, ...given };
  // What is no number is refused with the others.
  const wide = typeof merged.hiddenSize === 'number' ? 4 * merged.hiddenSize : NaN;
  const config: ModelConfig = {
    ...merged,
    attention: kindsOf(merged.attention, [...kinds, ...(entries.kinds ?? [])]),
    gate: entryOf('gate', merged.gate, [...gates, ...(entries.gates ?? [])]),
    rotary: entryOf('rotary', merged.rotary, [...phases, ...(entries.phases ?? [])]),
    keyValueHeads: options.keyValueHeads ?? merged.heads,
    intermediateSize: options.intermediateSize ?? (merged.mlp === 'swiglu' ? Math.ceil((wide * 2) / 3 / 8) * 8 : wide),
  };
  validate(config);
  return config;
}

/** @throws ConfigError unless every setting is there, as {@link modelConfig} leaves them */
export function requireConfig(config: ModelConfig): void {
  const remedy = 'Make it with modelConfig({ … }).';
  const expected = 'a configuration that modelConfig has completed';
  if (typeof config !== 'object' || config === null) {
    throw new ConfigError({ what: 'the configuration', value: config, expected, remedy });
  }
  for (const key of Object.keys(keys) as (keyof ModelConfig)[]) {
    const value = config[key];
    const entry = key === 'attention' || key === 'gate' || key === 'rotary';
    if (value !== undefined && (!entry || typeof value === 'object')) continue;
    throw new ConfigError({ what: `${key} of the configuration`, value, expected, remedy });
  }
}

/** The entry of a name, or the one that is handed in. */
function entryOf<E extends { readonly name: string; readonly says: string }>(
  what: string,
  given: unknown,
  entries: readonly E[],
): E {
  const own = typeof given === 'object' && given !== null && 'says' in given ? (given as E) : undefined;
  const found = own ?? entries.find(({ name }) => name === given);
  if (found) return found;
  throw new ConfigError({
    what,
    value: given,
    expected: `one of ${entries.map(({ name }) => name).join(', ')}`,
    ...(typeof given === 'string' && { remedy: 'Hand in an entry of your own beside the configuration.' }),
  });
}

function kindsOf(given: ModelOptions['attention'], entries: readonly AttentionKind[]): ModelConfig['attention'] {
  if (!Array.isArray(given)) return entryOf('attention', given, entries);
  return given.map((each, layer) => entryOf(`attention of layer ${layer}`, each, entries));
}

const choices: { readonly [K in keyof ModelConfig]?: readonly ModelConfig[K][] } = {
  mlp: ['gelu', 'swiglu'],
  norm: ['layer', 'rms'],
  normalizer: ['sum', 'none'],
  betaInit: ['zero', 'normal'],
};

const biasedParts: readonly BiasedPart[] = [...ATTENTION_PROJECTIONS, ...MLP_PROJECTIONS, 'norm'];

export const mostLayers = 10_000;

function validate(config: ModelConfig): void {
  for (const key of [
    'vocabSize',
    'hiddenSize',
    'layers',
    'heads',
    'keyValueHeads',
    'headSize',
    'intermediateSize',
    'power',
    'slidingWindow',
  ] as const) {
    if (!Number.isSafeInteger(config[key]) || config[key] < 1) {
      throw new ConfigError({ what: key, value: config[key], expected: 'a whole number of at least 1' });
    }
  }
  // A configuration may come from a file of somebody else, and every layer has a list of parameters.
  if (config.layers > mostLayers) {
    throw new ConfigError({ what: 'layers', value: config.layers, expected: `at most ${mostLayers}` });
  }
  for (const [key, allowed] of Object.entries(choices) as [keyof ModelConfig, readonly unknown[]][]) {
    if (!allowed.includes(config[key]))
      throw new ConfigError({ what: key, value: config[key], expected: `one of ${allowed.join(', ')}` });
  }
  const { bias } = config;
  const listed: readonly unknown[] = Array.isArray(bias) ? bias : [];
  const known = new Set<unknown>(biasedParts);
  if (typeof bias !== 'boolean' && (listed.length === 0 || listed.some((each) => !known.delete(each)))) {
    const expected = `true, false, or a list of some of ${biasedParts.join(', ')}`;
    throw new ConfigError({ what: 'bias', value: bias, expected });
  }
  for (const key of ['embeddingNorm', 'queryKeyNorm', 'tieEmbeddings'] as const) {
    if (typeof config[key] !== 'boolean')
      throw new ConfigError({ what: key, value: config[key], expected: 'true or false' });
  }
  const { heads, keyValueHeads, headSize, rotary, rotaryHorizon, normEps, initStd, attention } = config;
  if (heads % keyValueHeads !== 0) {
    throw new ConfigError({
      what: 'heads',
      value: heads,
      expected: `a multiple of keyValueHeads, ${keyValueHeads}`,
      remedy: 'Every key/value head serves the same number of query heads.',
    });
  }
  if (rotary.turns && headSize % 2 !== 0) {
    throw new ConfigError({
      what: 'headSize',
      value: headSize,
      expected: 'an even number, for pairs to rotate',
      remedy: 'Or set rotary to none.',
    });
  }
  // Files may hold lists and objects, which compare like numbers, or not at all.
  const number = (value: unknown, fits: (value: number) => boolean) => typeof value === 'number' && fits(value);
  if (!number(rotaryHorizon, (value) => value > 1 && value < Infinity))
    throw new ConfigError({ what: 'rotaryHorizon', value: rotaryHorizon, expected: 'a number above 1' });
  if (!number(config.ropeTheta, (value) => value > 1 && value < Infinity))
    throw new ConfigError({ what: 'ropeTheta', value: config.ropeTheta, expected: 'a number above 1' });
  requireRopeScaling(config.ropeScaling);
  if (!number(normEps, (value) => value >= 0 && value < 1))
    throw new ConfigError({ what: 'normEps', value: normEps, expected: 'a number from 0 to 1' });
  if (!number(initStd, (value) => value > 0 && value < Infinity))
    throw new ConfigError({ what: 'initStd', value: initStd, expected: 'a number above 0' });
  if (isList(attention) && attention.length !== config.layers) {
    throw new ConfigError({
      what: 'attention',
      value: attention.map(({ name }) => name),
      expected: `one kind, or one for each of the ${config.layers} layers`,
    });
  }
  for (const kind of new Set(kindsOfLayers(config))) kind.make(config);
}

/** Shape of the memory of one layer. */
export function memoryShape(config: ModelConfig, B: number): MemoryShape {
  const { keyValueHeads, headSize, rotary, gate } = config;
  return {
    B,
    G: keyValueHeads,
    d: headSize,
    e: headSize,
    phases: rotary.turns,
    gateWidth: gate.width === 'd' ? headSize : gate.width,
  };
}

/** What a batch takes in training. */
export interface StepShape {
  readonly batch: number;
  readonly context: number;
}

/** What a model will take, before anything is allocated. */
export function modelSize(config: ModelConfig, { batch, context }: StepShape, compute: ComputeOptions = {}): ModelSize {
  let parameters = 0;
  for (const { shape } of parameterSpecs(config).values()) parameters += shape.reduce((a, b) => a * b, 1);
  const shape = memoryShape(config, 1);
  const lasting = kindsOfLayers(config).filter(({ grows }) => !grows);
  return {
    parameters,
    weightBytes: 4 * parameters,
    trainingBytes:
      4 * (4 * parameters + batch * activations(config, context, compute)) + logitBytes(config, batch * context),
    stateBytes: lasting.reduce((sum, kind) => sum + kind.make(config).memoryBytes(shape, 0), 0),
    cacheBytes: config.layers * softmaxRecurrence().memoryBytes(shape, context),
  };
}

/** Logits of a block of rows and their gradients; see `linearCrossEntropy`. */
function logitBytes({ vocabSize }: ModelConfig, rows: number): number {
  return 2 * Math.min(4 * vocabSize * rows, Math.max(4 * vocabSize, 2 ** 24));
}

/** Floats that one sequence leaves on the tape. */
function activations(config: ModelConfig, T: number, compute: ComputeOptions): number {
  const { hiddenSize, heads: H, keyValueHeads: G, headSize: d, intermediateSize, layers, mlp } = config;
  const projections = (H + 2 * G) * d;
  const turned = config.rotary.turns ? (H + G) * d + (G * d) / 2 : 0;
  const answers = 2 * H * d + 3 * H;
  const wide = (mlp === 'swiglu' ? 3 : 2) * intermediateSize;
  const perToken = 6 * hiddenSize + projections + turned + answers + wide;
  const perModel = T * 3 * hiddenSize;
  const kept = kindsOfLayers(config).reduce((sum, kind) => sum + kind.tapeFloats(config, T, compute), 0);
  return layers * T * perToken + kept + perModel;
}

/** Keys of `config.json`: Hugging Face's where they exist. */
const keys: { readonly [K in keyof ModelConfig]: string } = {
  vocabSize: 'vocab_size',
  hiddenSize: 'hidden_size',
  layers: 'num_hidden_layers',
  heads: 'num_attention_heads',
  keyValueHeads: 'num_key_value_heads',
  headSize: 'head_dim',
  intermediateSize: 'intermediate_size',
  mlp: 'mlp',
  norm: 'norm',
  normEps: 'norm_eps',
  embeddingNorm: 'embedding_norm',
  queryKeyNorm: 'qk_norm',
  bias: 'bias',
  tieEmbeddings: 'tie_word_embeddings',
  attention: 'attention',
  power: 'power',
  normalizer: 'normalizer',
  slidingWindow: 'sliding_window',
  gate: 'gate',
  rotary: 'rotary',
  rotaryHorizon: 'max_position_embeddings',
  ropeTheta: 'rope_theta',
  ropeScaling: 'rope_scaling',
  initStd: 'initializer_range',
  betaInit: 'beta_init',
};

/** Settings that came later: at their default they are left out, so that what was saved before is recognised. */
const later = ['ropeTheta', 'ropeScaling', 'slidingWindow'];

/** `config.json` as an object. */
export function configToJson(config: ModelConfig): Record<string, unknown> {
  const entries = Object.entries(keys).flatMap(([key, name]) => {
    const value = config[key as keyof ModelConfig];
    return later.includes(key) && value === defaults[key as keyof typeof defaults] ? [] : [[name, value] as const];
  });
  const { attention, gate, rotary } = config;
  const names = isList(attention) ? attention.map(({ name }) => name) : attention.name;
  const json = { ...Object.fromEntries(entries), attention: names, gate: gate.name, rotary: rotary.name };
  return { model_type: 'conformal_sympow', ...json };
}

/**
 * The configuration in a `config.json`.
 *
 * @param own - entries of your own that it may name
 * @throws ConfigError for one of another kind, or with values that do not fit
 */
export function configFromJson(json: unknown, own: ModelEntries = {}): ModelConfig {
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  if (fields.model_type !== 'conformal_sympow') {
    throw new ConfigError({
      what: 'model_type in config.json',
      value: fields.model_type,
      expected: 'conformal_sympow',
    });
  }
  return modelConfig(optionsFromJson(fields), own);
}

/** The settings in a `config.json` of ours, unchecked. */
export function optionsFromJson(fields: Readonly<Record<string, unknown>>): ModelOptions {
  const entries = Object.entries(keys).flatMap(([key, name]) =>
    fields[name] === undefined ? [] : [[key, fields[name]]],
  );
  return Object.fromEntries(entries) as ModelOptions;
}
