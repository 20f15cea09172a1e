/** The configuration: defaults, variants, validation, what it will cost, and its form on disk. */

import { defaultsOf, requireSettings } from '@sympow/core';
import { ConfigError } from '@sympow/kernels';
import { gates, kinds, phases, softmaxRecurrence, type AttentionKind, type MemoryShape } from '@sympow/recurrence';
import type {
  ComputeOptions,
  ModelConfig,
  ModelEntries,
  ModelOptions,
  ModelSize,
  PrecisionOptions,
  Variant,
} from './api';
import { isList, kindsOfLayers } from './kindsOfLayers';
import { parameterSpecs } from './parameters';
import { bytesOf, precisionOf, statesIn } from './precision';
import { modelSettings, type ModelSetting } from './settings';

/** `intermediateSize` follows `hiddenSize` (4× for GELU, ⅔ of that for SwiGLU) unless given, `keyValueHeads` follows `heads`. */
const defaults = defaultsOf(modelSettings) as Required<Omit<ModelOptions, 'intermediateSize' | 'keyValueHeads'>>;
const rows = Object.entries(modelSettings) as [keyof ModelConfig, ModelSetting][];

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
    if (Object.hasOwn(modelSettings, key)) continue;
    throw new ConfigError({
      what: 'a setting',
      value: key,
      expected: `one of ${Object.keys(modelSettings).join(', ')}`,
    });
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
  for (const [key, { check }] of rows) {
    const value = config[key];
    // Entries are there by now, not their names.
    if (value !== undefined && (check.kind !== 'choice' || check.holds(value))) continue;
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

function validate(config: ModelConfig): void {
  requireSettings(modelSettings, { ...config });
  const { heads, keyValueHeads, headSize, rotary, attention } = config;
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
    states: statesIn(config),
  };
}

/** What a batch takes in training. */
export interface StepShape {
  readonly batch: number;
  readonly context: number;
}

/** Where a model computes. */
export interface BlockOptions {
  /** Of the backend's `capabilities`; 64 MiB unless said otherwise. */
  readonly blockBytes?: number | undefined;
}

/** What a model will take, before anything is allocated. */
export function modelSize(
  config: ModelConfig,
  { batch, context }: StepShape,
  { precision, blockBytes = 2 ** 26, ...compute }: ComputeOptions & PrecisionOptions & BlockOptions = {},
): ModelSize {
  let parameters = 0;
  for (const { shape } of parameterSpecs(config).values()) parameters += shape.reduce((a, b) => a * b, 1);
  const shape = memoryShape(config, 1);
  const lasting = kindsOfLayers(config).filter(({ grows }) => !grows);
  return {
    parameters,
    weightBytes: bytesOf(parameterSpecs(config).values(), precisionOf({ precision })),
    trainingBytes:
      4 * (4 * parameters + batch * activations(config, context, compute)) +
      logitBytes(config, batch * context, blockBytes),
    stateBytes: lasting.reduce((sum, kind) => sum + kind.make(config).memoryBytes(shape, 0), 0),
    cacheBytes: config.layers * softmaxRecurrence().memoryBytes(shape, context),
  };
}

/** Logits of a block of rows and their gradients; see `linearCrossEntropy`. */
function logitBytes({ vocabSize }: ModelConfig, rows: number, blockBytes: number): number {
  return 2 * Math.min(4 * vocabSize * rows, Math.max(4 * vocabSize, blockBytes));
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

/** `config.json` as an object. */
export function configToJson(config: ModelConfig): Record<string, unknown> {
  const entries = rows.flatMap(([key, { json, later, default: usual }]) =>
    later && config[key] === usual ? [] : [[json, config[key]] as const],
  );
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
  const entries = rows.flatMap(([key, { json }]) => (fields[json] === undefined ? [] : [[key, fields[json]]]));
  return Object.fromEntries(entries) as ModelOptions;
}
