// The options that describe a model, and what it will take, shown before anything is allocated.

import {
  modelConfig,
  modelSize,
  variants,
  type ComputeOptions,
  type ModelConfig,
  type StepShape,
  type Variant,
} from '@sympow/model';
import { gates, phases } from '@sympow/recurrence';
import type { Command } from 'commander';
import { oneOf, real, whole } from './command';
import { bytes, quantity } from './output';

const gateNames = gates.map(({ name }) => name);
const phaseNames = phases.map(({ name }) => name);

/** Adds the options of a new model. The defaults make one that a laptop can train. */
export function withModel(command: Command): Command {
  return command
    .optionsGroup('Model:')
    .option(
      '--variant <name>',
      `${Object.keys(variants).join(', ')}`,
      oneOf('--variant', Object.keys(variants) as Variant[]),
      'conformal',
    )
    .option('--layers <n>', 'how many, L', whole('--layers'), 4)
    .option('--hidden <n>', 'width of the residual stream', whole('--hidden'), 128)
    .option('--heads <n>', 'query heads, H', whole('--heads'), 4)
    .option('--kv-heads <n>', 'key/value heads, a divisor of H (default: H)', whole('--kv-heads'))
    .option('--head-size <n>', 'numbers in a query, key or value, d', whole('--head-size'), 32)
    .option('--intermediate <n>', 'width of the MLP (default: 4× hidden)', whole('--intermediate'))
    .option('--mlp <kind>', 'gelu or swiglu', oneOf('--mlp', ['gelu', 'swiglu']), 'gelu')
    .option('--norm <kind>', 'layer or rms', oneOf('--norm', ['layer', 'rms']), 'layer')
    .option('--qk-norm', 'RMS norm on queries and keys')
    .option('--bias', 'biases in projections and layer norms')
    .option('--no-embedding-norm', 'no norm after the token embedding')
    .option('--untied', 'output weights of their own')
    .option('--power <p>', 'p in (q·k)ᵖ, even', whole('--power', 0), 2)
    .option('--normalizer <kind>', 'sum, or none (allows odd powers)', oneOf('--normalizer', ['sum', 'none']), 'sum')
    .option('--gate <name>', `instead of the variant's: ${gateNames.join(', ')}`, oneOf('--gate', gateNames))
    .option('--rotary <name>', `instead of the variant's: ${phaseNames.join(', ')}`, oneOf('--rotary', phaseNames))
    .option(
      '--horizon <n>',
      'the longest context that the rotary frequencies are laid out for',
      real('--horizon', (x) => x > 1 && x < Infinity, 'a number above 1'),
      65_536,
    )
    .option(
      '--init-std <std>',
      'standard deviation that matrices start with',
      real('--init-std', (x) => x > 0 && x < Infinity, 'a number above 0'),
      0.02,
    )
    .option('--beta-init <kind>', 'where w_β starts: zero or normal', oneOf('--beta-init', ['zero', 'normal']), 'zero');
}

/** Adds how a model computes. */
export function withCompute(command: Command): Command {
  return command
    .optionsGroup('Computing:')
    .option(
      '--form <form>',
      'auto, attention, chunked or recurrent',
      oneOf('--form', ['auto', 'attention', 'chunked', 'recurrent']),
      'auto',
    )
    .option(
      '--chunk <C>',
      'tokens per chunk of the chunked form (default: from the size of the state)',
      whole('--chunk'),
    );
}

/** How the options say to compute. */
export function computeOf({ form, chunk }: ComputeFlags): ComputeOptions {
  return { form, ...(chunk !== undefined && { chunk }) };
}

/** Options as commander collects them. */
export interface ModelFlags {
  variant: Variant;
  layers: number;
  hidden: number;
  heads: number;
  kvHeads?: number;
  headSize: number;
  intermediate?: number;
  mlp: ModelConfig['mlp'];
  norm: ModelConfig['norm'];
  qkNorm?: true;
  bias?: true;
  embeddingNorm: boolean;
  untied?: true;
  power: number;
  normalizer: ModelConfig['normalizer'];
  gate?: ModelConfig['gate'];
  rotary?: ModelConfig['rotary'];
  horizon: number;
  initStd: number;
  betaInit: ModelConfig['betaInit'];
}

export interface ComputeFlags {
  form: ComputeOptions['form'];
  chunk?: number;
}

/** The configuration that the options ask for. @throws ConfigError as `modelConfig` */
export function configOf(flags: ModelFlags, vocabSize: number): ModelConfig {
  const {
    variant,
    hidden,
    kvHeads,
    intermediate,
    qkNorm = false,
    bias = false,
    untied,
    horizon,
    gate,
    rotary,
    ...same
  } = flags;
  const { layers, heads, headSize, mlp, norm, embeddingNorm, power, normalizer, initStd, betaInit } = same;
  return modelConfig({
    ...{ vocabSize, layers, heads, headSize, mlp, norm, bias, embeddingNorm, power, normalizer, initStd, betaInit },
    ...variants[variant],
    ...(gate && { gate }),
    ...(rotary && { rotary }),
    hiddenSize: hidden,
    ...(kvHeads !== undefined && { keyValueHeads: kvHeads }),
    ...(intermediate !== undefined && { intermediateSize: intermediate }),
    queryKeyNorm: qkNorm,
    tieEmbeddings: untied !== true,
    rotaryHorizon: horizon,
  });
}

/** One line that says how large a model is and what training it takes. */
export function describeSize(config: ModelConfig, shape: StepShape, compute: ComputeOptions): string {
  const { parameters, weightBytes, trainingBytes, stateBytes, cacheBytes } = modelSize(config, shape, compute);
  const state =
    stateBytes > 0
      ? `state ${bytes(stateBytes)} at any length`
      : `key/value cache ${bytes(cacheBytes)} at ${shape.context} tokens`;
  return `${quantity(parameters)} parameters (${bytes(weightBytes)}), training takes about ${bytes(trainingBytes)}, ${state}`;
}
