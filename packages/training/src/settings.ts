/** The options of a run, with defaults filled in and checked against each other. */

import type { TokenSource, TrainingBatches, TrainingBatchesOptions } from '@sympow/data';
import { trainingBatches } from '@sympow/data';
import { oneProcess, requireSettings } from '@sympow/core';
import { ConfigError, OutOfMemoryError, requireKnownKeys, requireWhole, type KnownKeys } from '@sympow/kernels';
import type { Model } from '@sympow/model';
import { adamwOptions, type AdamWOptions } from './adamw';
import { annealsOf, requireAnneal } from './anneal';
import type { Anneal, CheckpointOptions, EvaluationOptions, TrainingOptions } from './api';
import type { WarmupCosineOptions } from './schedule';
import { trainingSettings, type TrainingSetting } from './trainingSettings';

const usual = trainingSettings;

/** What fixes the course of a run beside its model and its data: stored with it, and the same when it goes on. */
export interface RunSettings extends Required<AdamWOptions>, Required<WarmupCosineOptions> {
  readonly batch: number;
  readonly context: number;
  readonly seed: number;
  /** Absent where nothing is annealed. */
  readonly anneal?: Readonly<Record<string, Anneal>> | undefined;
}

/**
 * The settings of a run.
 *
 * @param stored - what the run began with: the length of its schedule stays, whatever `steps` is now
 */
export function runSettings(options: TrainingOptions, stored?: Partial<RunSettings>): RunSettings {
  const { batch, context, steps, anneal } = options;
  const { seed = usual.seed.default, learningRate = usual.learningRate.default, floor = usual.floor.default } = options;
  const { decaySteps = stored?.decaySteps ?? steps } = options;
  const { warmup = Math.min(2000, Math.round(decaySteps / 10)) } = options;
  return {
    batch,
    context,
    seed,
    learningRate,
    warmup,
    decaySteps,
    floor,
    anneal: annealsOf(anneal),
    ...adamwOptions(options),
  };
}

const known: KnownKeys<TrainingOptions> = {
  ...{ model: true, data: true },
  ...(Object.fromEntries(Object.keys(trainingSettings).map((key) => [key, true])) as Record<TrainingSetting, true>),
  ...{ communicator: true, evaluation: true, checkpoints: true, signal: true },
};
const knownOfEvaluation: KnownKeys<EvaluationOptions> = {
  ...{ data: true, every: true, rows: true, batch: true, context: true },
};
const knownOfCheckpoints: KnownKeys<CheckpointOptions> = {
  ...{ storage: true, every: true, keep: true, files: true, resume: true },
};

/** Checks what the schedule, the optimizer and the data do not check themselves. @throws ConfigError, OutOfMemoryError */
export function checkOptions(given: TrainingOptions): void {
  requireKnownKeys('train', given, known);
  const { model, data, communicator, evaluation, checkpoints, ...options } = given;
  requireSettings(trainingSettings, options);
  const { batch, context, accumulate = usual.accumulate.default } = options;
  if (batch % accumulate !== 0) {
    const remedy = 'Every piece of a batch has the same number of rows.';
    throw new ConfigError({
      what: 'accumulate',
      value: accumulate,
      expected: `a divisor of the batch, ${batch}`,
      remedy,
    });
  }
  const rows = batch / accumulate;
  if (communicator && rows % communicator.size !== 0) {
    const expected = `a multiple of the ${communicator.size} processes`;
    throw new ConfigError({ what: 'rows of a piece', value: rows, expected, remedy: 'Change batch or accumulate.' });
  }
  if (model.trained.size === 0) {
    throw new ConfigError({
      what: 'trainable weights',
      value: 0,
      expected: 'at least one',
      remedy: 'Check trainable.',
    });
  }
  requireAnneal(model, annealsOf(options.anneal));
  requireRoom(model, batch, context, accumulate);
  if (typeof data !== 'function') requireVocabulary('data', data, model.config.vocabSize);
  if (evaluation) {
    requireKnownKeys('evaluation of train', evaluation, knownOfEvaluation);
    const { every = 1, rows = 1 } = evaluation;
    requireVocabulary('evaluation.data', evaluation.data, model.config.vocabSize);
    requireWhole('evaluation.every', every, 1);
    requireWhole('evaluation.rows', rows, 1);
  }
  if (checkpoints) {
    requireKnownKeys('checkpoints of train', checkpoints, knownOfCheckpoints);
    const { every = 1, keep = 1 } = checkpoints;
    requireWhole('checkpoints.every', every, 1);
    requireWhole('checkpoints.keep', keep, 1);
  }
}

/** Opens the batches of a run, in pieces of `rows`. */
export function openBatches({ data }: TrainingOptions, options: TrainingBatchesOptions): TrainingBatches {
  return typeof data === 'function' ? data(options) : trainingBatches(data, options);
}

/** Evaluation with its defaults, which are those of training. */
export function evaluationSettings(
  { data, every = 100, rows = 64, batch, context }: EvaluationOptions,
  training: TrainingOptions,
): Required<EvaluationOptions> {
  const { accumulate = 1, communicator = oneProcess } = training;
  const own = training.batch / accumulate / communicator.size;
  return { data, every, rows, batch: batch ?? own, context: context ?? training.context };
}

/** Most bytes of the tokens of a step, which are all drawn before it begins. */
const mostTokenBytes = 2 ** 31;

/** Refuses what cannot be before anything of it is made. @throws OutOfMemoryError that names the bytes */
function requireRoom({ config, backend }: Model, batch: number, context: number, accumulate: number): void {
  const { maxTensorBytes } = backend.capabilities;
  const activations = 4 * (batch / accumulate) * context * config.hiddenSize;
  for (const [what, value, most, remedy] of [
    ['the tokens of a step take', 8 * batch * context, mostTokenBytes, 'Use a smaller batch or a shorter context.'],
    ['one tensor of a step takes', activations, maxTensorBytes, 'Use a smaller batch, or more pieces with accumulate.'],
  ] as const) {
    if (value <= most) continue;
    throw new OutOfMemoryError({
      what,
      value,
      message: `${what} ${value} bytes`,
      expected: `at most ${most} bytes`,
      remedy,
    });
  }
}

function requireVocabulary(what: string, { vocabSize }: TokenSource, most: number): void {
  if (vocabSize <= most) return;
  const remedy = 'Use a tokenizer and a model that belong together.';
  const expected = `at most the ${most} of the model`;
  throw new ConfigError({ what: `vocabSize of ${what}`, value: vocabSize, expected, remedy });
}
