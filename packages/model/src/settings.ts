/** The settings of a model, one row each: the only place that knows their defaults, checks, names in files and flags. */

import { numberAbove, oneOfWords, realNumber, wholeNumber, yesOrNo, type Check, type Setting } from '@sympow/core';
import { gates, kinds, phases, isRopeScaling } from '@sympow/recurrence';
import type { ModelConfig } from './api';
import { ATTENTION_PROJECTIONS, MLP_PROJECTIONS } from './layers/weights';
import { floatTypes } from './precision';

/** A setting of a model. */
export interface ModelSetting extends Setting {
  /** Its key in `config.json`: Hugging Face's where there is one. */
  readonly json: string;
  /** It came after the first checkpoints: at its default it is left out of `config.json`, so that those are recognised. */
  readonly later?: true;
}

const biasedParts = [...ATTENTION_PROJECTIONS, ...MLP_PROJECTIONS, 'norm'];
const mostLayers = 10_000;

/** Of `layers`: a configuration may come from a file of somebody else, and every layer has a list of parameters. */
const layers: Check = {
  kind: 'whole',
  expected: `a whole number of at least 1 and at most ${mostLayers}`,
  ...{ least: 1, most: mostLayers },
  holds: (value) => wholeNumber().holds(value) && (value as number) <= mostLayers,
};

const bias: Check = {
  kind: 'other',
  expected: `true, false, or a list of some of ${biasedParts.join(', ')}`,
  holds(value) {
    const left = new Set<unknown>(biasedParts);
    return (
      typeof value === 'boolean' ||
      (Array.isArray(value) && value.length > 0 && value.every((part) => left.delete(part)))
    );
  },
};

const ropeScaling: Check = {
  kind: 'other',
  expected: 'none, or linear with a factor, or llama3 with factor, lowTurns below highTurns, and context',
  holds: isRopeScaling,
};

/** An entry, or several; names are exchanged for entries before they are checked. */
function entry(entries: readonly { readonly name: string }[]): Check {
  return {
    ...oneOfWords(entries.map(({ name }) => name)),
    open: true,
    holds: (value) => typeof value === 'object' && value !== null,
  };
}

/** The settings by their keys, in the order of `config.json`; defaults are the paper's 124M shape. */
export const modelSettings = {
  vocabSize: {
    ...{ group: 'size' },
    json: 'vocab_size',
    default: 50_304,
    check: wholeNumber(),
    says: 'tokens of the vocabulary, V',
  },
  hiddenSize: {
    ...{ group: 'size' },
    ...{ json: 'hidden_size', default: 768, check: wholeNumber(), says: 'width of the residual stream' },
    flag: { words: '--hidden <n>', default: 128 },
  },
  layers: {
    ...{ group: 'size' },
    ...{ json: 'num_hidden_layers', default: 12, check: layers, says: 'how many, L' },
    flag: { words: '--layers <n>', default: 4 },
  },
  heads: {
    ...{ group: 'size' },
    ...{ json: 'num_attention_heads', default: 12, check: wholeNumber(), says: 'query heads, H' },
    flag: { words: '--heads <n>', default: 4 },
  },
  keyValueHeads: {
    ...{ group: 'size' },
    ...{
      json: 'num_key_value_heads',
      follows: true,
      check: wholeNumber(),
      says: 'key/value heads, a divisor of H (default: H)',
    },
    flag: { words: '--kv-heads <n>' },
  },
  headSize: {
    ...{ group: 'size' },
    ...{ json: 'head_dim', default: 64, check: wholeNumber(), says: 'numbers in a query, key or value, d' },
    flag: { words: '--head-size <n>', default: 32 },
  },
  intermediateSize: {
    ...{ group: 'size' },
    ...{
      json: 'intermediate_size',
      follows: true,
      check: wholeNumber(),
      says: 'width of the MLP (default: 4× hidden, ⅔ of that for SwiGLU)',
    },
    flag: { words: '--intermediate <n>' },
  },
  mlp: {
    ...{ group: 'blocks' },
    ...{ json: 'mlp', default: 'gelu', check: oneOfWords(['gelu', 'swiglu']), says: 'gelu or swiglu' },
    flag: { words: '--mlp <kind>' },
  },
  norm: {
    ...{ group: 'blocks' },
    ...{ json: 'norm', default: 'layer', check: oneOfWords(['layer', 'rms']), says: 'layer or rms' },
    flag: { words: '--norm <kind>' },
  },
  normEps: {
    ...{ group: 'blocks' },
    ...{ json: 'norm_eps', default: 1e-5, says: 'added to the variance or mean square in norms' },
    check: realNumber('a number from 0 to 1', (value) => value >= 0 && value < 1, { least: 0, most: 1 }),
  },
  embeddingNorm: {
    ...{ group: 'blocks' },
    ...{ json: 'embedding_norm', default: true, check: yesOrNo, says: 'a norm after the token embedding' },
    flag: { words: '--no-embedding-norm', says: 'no norm after the token embedding' },
  },
  queryKeyNorm: {
    ...{ group: 'blocks' },
    ...{ json: 'qk_norm', default: false, check: yesOrNo, says: 'RMS norm on queries and keys' },
    flag: { words: '--qk-norm' },
  },
  bias: {
    ...{ group: 'blocks' },
    ...{
      json: 'bias',
      default: false,
      check: bias,
      says: 'biases in projections and layer norms, or a list of those that have one',
    },
    flag: { words: '--bias', says: 'biases in projections and layer norms', sets: true },
  },
  tieEmbeddings: {
    ...{ group: 'blocks' },
    ...{
      json: 'tie_word_embeddings',
      default: true,
      check: yesOrNo,
      says: 'logits through the weights of the token embedding',
    },
    flag: { words: '--untied', says: 'output weights of their own', sets: false },
  },
  attention: {
    ...{ group: 'attention' },
    ...{
      json: 'attention',
      default: 'power',
      check: entry(kinds),
      says: 'the kind of every layer, or a list of one for each',
    },
    flag: { words: '--attention <name>', says: "instead of the variant's", default: undefined },
  },
  power: {
    ...{ group: 'attention' },
    ...{ json: 'power', default: 2, check: wholeNumber(), says: 'p in (q·k)ᵖ, even' },
    flag: { words: '--power <p>' },
  },
  normalizer: {
    ...{ group: 'attention' },
    ...{
      json: 'normalizer',
      default: 'sum',
      check: oneOfWords(['sum', 'none']),
      says: 'sum, or none (allows odd powers)',
    },
    flag: { words: '--normalizer <kind>' },
  },
  slidingWindow: {
    ...{ group: 'attention', unit: 'tokens' },
    ...{
      json: 'sliding_window',
      default: 512,
      check: wholeNumber(),
      later: true,
      says: 'tokens that attention window looks at, W',
    },
    flag: { words: '--window <W>' },
  },
  gate: {
    ...{ group: 'gates and phases' },
    ...{ json: 'gate', default: 'data', check: entry(gates), says: 'where the gates come from' },
    flag: { words: '--gate <name>', says: "instead of the variant's", default: undefined },
  },
  rotary: {
    ...{ group: 'gates and phases' },
    ...{ json: 'rotary', default: 'data', check: entry(phases), says: 'where the rotary phases come from' },
    flag: { words: '--rotary <name>', says: "instead of the variant's", default: undefined },
  },
  rotaryHorizon: {
    ...{ group: 'gates and phases', unit: 'tokens' },
    ...{ json: 'max_position_embeddings', default: 65_536, check: numberAbove(1) },
    says: 'the longest context that the rotary frequencies are laid out for',
    flag: { words: '--horizon <n>' },
  },
  ropeTheta: {
    ...{ group: 'gates and phases' },
    ...{
      json: 'rope_theta',
      default: 10_000,
      check: numberAbove(1),
      later: true,
      says: 'base of the frequencies of rotary rope',
    },
    flag: { words: '--rope-theta <b>' },
  },
  ropeScaling: {
    ...{ group: 'gates and phases' },
    ...{ json: 'rope_scaling', default: 'none', check: ropeScaling, later: true },
    says: 'how those are lowered for longer contexts',
  },
  states: {
    ...{ group: 'precision' },
    ...{
      json: 'states',
      default: 'float32',
      check: oneOfWords(floatTypes),
      later: true,
      says: 'what S, Z and caches of keys and values are kept in',
    },
    flag: { words: '--states <type>' },
  },
  initStd: {
    ...{ group: 'start' },
    ...{
      json: 'initializer_range',
      default: 0.02,
      check: numberAbove(0),
      says: 'standard deviation that matrices start with',
    },
    flag: { words: '--init-std <std>' },
  },
  betaInit: {
    ...{ group: 'start' },
    ...{
      json: 'beta_init',
      default: 'zero',
      check: oneOfWords(['zero', 'normal']),
      says: 'where w_β starts: zero or normal',
    },
    flag: { words: '--beta-init <kind>' },
  },
} as const satisfies Readonly<Record<keyof ModelConfig, ModelSetting>>;
