// The runs of an experiment, and what each will take.

import { modelCosts, trainingFlops, type ModelCosts } from '@sympow/evaluation';
import { ConfigError } from '@sympow/kernels';
import { modelConfig, modelSize, variants } from '@sympow/model';
import type { ComputeOptions, ModelConfig, ModelEntries } from '@sympow/model';
import type { Experiment } from './experiment';
import { atPlaceNow } from './place';
import type { Schedule } from './schedule';

/** One model that is trained once. */
export interface Run {
  /** Its folder below `runs`. */
  readonly id: string;
  /** The variant's name in the file. */
  readonly variant: string;
  readonly context: number;
  readonly seed: number;
  readonly config: ModelConfig;
  readonly schedule: Schedule;
}

/** What a run will take. */
export interface RunCosts extends ModelCosts {
  /** Weights, moments and activations of a step: an estimate, good to about a third. */
  readonly trainingBytes: number;
  /** Tokens that are trained on. */
  readonly tokens: number;
  /** Operations of the training. */
  readonly trainingFlops: number;
}

/**
 * All runs, variant by variant.
 *
 * @param entries - gates, phases and kinds of your own that the experiment may name
 * @throws ConfigError for model settings that cannot be, with their place in the file
 */
export function planRuns(experiment: Experiment, vocabSize: number, entries: ModelEntries = {}): Run[] {
  return experiment.variants.flatMap(({ id: own, name, variant, model, contexts, seeds, schedules }, i) => {
    const settings = { ...experiment.model, ...variants[variant], ...model, vocabSize };
    const config = atPlaceNow(`variants[${i}].model in ${experiment.path}`, () => modelConfig(settings, entries));
    return contexts.flatMap((context, c) =>
      seeds.map((seed) => {
        const id = `${own}-c${context}-s${seed}`;
        return { id, variant: name, context, seed, config, schedule: schedules[c]! };
      }),
    );
  });
}

/**
 * The runs whose names hold one of the words, in which * stands for anything.
 *
 * @throws ConfigError if that leaves none
 */
export function selectRuns(runs: readonly Run[], words: readonly string[] = []): Run[] {
  if (words.length === 0) return [...runs];
  const patterns = words.map(
    (word) =>
      new RegExp(
        word
          .split('*')
          .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
          .join('.*'),
      ),
  );
  const chosen = runs.filter(({ id }) => patterns.some((pattern) => pattern.test(id)));
  if (chosen.length > 0) return chosen;
  const expected = `part of a name such as ${runs
    .slice(0, 3)
    .map(({ id }) => id)
    .join(', ')}`;
  throw new ConfigError({ what: '--only', value: words.join(' '), expected, remedy: '--dry-run lists all names.' });
}

/** What a run takes, known before it begins: memory, tokens and operations. */
export function costsOf({ config, context, schedule }: Run, compute: ComputeOptions): RunCosts {
  const { batch, accumulate, steps } = schedule;
  const costs = modelCosts(config, { context });
  const { trainingBytes } = modelSize(config, { batch: batch / accumulate, context }, compute);
  const tokens = batch * context * steps;
  return { ...costs, trainingBytes, tokens, trainingFlops: tokens * trainingFlops(config, { context, ...compute }) };
}
