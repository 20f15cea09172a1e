// The options that describe a model, and what it will take, shown before anything is allocated.

import {
  modelConfig,
  modelSettings,
  modelSize,
  variants,
  type ComputeOptions,
  type ModelConfig,
  type ModelEntries,
  type PrecisionOptions,
  type StepShape,
  type Variant,
  type WeightType,
} from '@sympow/model';
import type { Command } from 'commander';
import { oneOf, whole } from './command';
import { bytes, quantity } from './output';
import { settingsOf, withSettings } from './settingFlags';

/** Adds the options of a new model. The defaults make one that a laptop can train. */
export function withModel(command: Command): Command {
  const names = Object.keys(variants) as Variant[];
  command.optionsGroup('Model:').option('--variant <name>', names.join(', '), oneOf('--variant', names), 'conformal');
  return withSettings(command, modelSettings);
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
    )
    .option(
      '--precision <type>',
      'what matrices are multiplied in: float32, float16 or bfloat16',
      oneOf('--precision', ['float32', 'float16', 'bfloat16']),
      'float32',
    );
}

/** How the options say to compute. */
export function computeOf({ form, chunk, precision }: ComputeFlags): ComputeOptions & PrecisionOptions {
  return { form, ...(chunk !== undefined && { chunk }), ...(precision !== 'float32' && { precision }) };
}

/** Options as commander collects them; those of the settings by the names of their flags. */
export interface ModelFlags {
  variant: Variant;
}

export interface ComputeFlags {
  form: ComputeOptions['form'];
  chunk?: number;
  precision?: WeightType;
}

/** The configuration that the options ask for. @throws ConfigError as `modelConfig` */
export function configOf(flags: ModelFlags, vocabSize: number | undefined, entries: ModelEntries): ModelConfig {
  return modelConfig({ ...variants[flags.variant], ...settingsOf(flags, modelSettings), vocabSize }, entries);
}

/** One line that says how large a model is and what training it takes. */
export function describeSize(
  config: ModelConfig,
  shape: StepShape,
  compute: ComputeOptions & PrecisionOptions,
): string {
  const { parameters, weightBytes, trainingBytes, stateBytes, cacheBytes } = modelSize(config, shape, compute);
  const state =
    stateBytes > 0
      ? `state ${bytes(stateBytes)} at any length`
      : `key/value cache ${bytes(cacheBytes)} at ${shape.context} tokens`;
  return `${quantity(parameters)} parameters (${bytes(weightBytes)}), training takes about ${bytes(trainingBytes)}, ${state}`;
}
