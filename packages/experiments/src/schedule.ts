// How long a run is and what it reads at once.

import { ConfigError } from '@sympow/kernels';
import { trainingSettings, type TrainingOptions } from '@sympow/training';

const { context: _context, seed: _seed, gradientFormat: _gradientFormat, ...rest } = trainingSettings;
/** The settings of a run but for what experiments vary in a way of their own, and what several processes alone have a use for. */
export const fileSettings = rest;

/** What a file may say about training. */
export type TrainingFields = {
  readonly [K in keyof typeof fileSettings]?: TrainingOptions[K] | undefined;
} & {
  readonly tokensPerStep?: number | undefined;
};

/** How one model is trained at one context. */
export interface Schedule extends Omit<TrainingFields, 'tokensPerStep'> {
  readonly batch: number;
  readonly accumulate: number;
  readonly steps: number;
  readonly learningRate: number;
}

/**
 * The schedule of a context: `batch` rows, or as many as `tokensPerStep` holds.
 *
 * @throws ConfigError that names what is missing or does not fit
 */
export function schedule(fields: TrainingFields, context: number, place: string): Schedule {
  const { batch: rows, tokensPerStep, accumulate = 1, steps, learningRate, ...others } = fields;
  const missing = [
    ...(steps === undefined ? ['steps'] : []),
    ...(learningRate === undefined ? ['learningRate'] : []),
    ...(rows === undefined && tokensPerStep === undefined ? ['batch or tokensPerStep'] : []),
  ];
  if (missing.length > 0) {
    const message = `training for ${place} lacks ${missing.join(', ')}`;
    throw new ConfigError({ what: 'training', value: fields, message, expected: 'each of them' });
  }
  if (rows !== undefined && tokensPerStep !== undefined) {
    const message = `training for ${place} has both batch and tokensPerStep`;
    throw new ConfigError({ what: 'batch', value: rows, message, expected: 'one of the two' });
  }
  if (tokensPerStep !== undefined && tokensPerStep % context !== 0) {
    const expected = `a multiple of the context, ${context}, for ${place}`;
    throw new ConfigError({ what: 'training.tokensPerStep', value: tokensPerStep, expected });
  }
  const batch = rows ?? tokensPerStep! / context;
  if (batch % accumulate !== 0) {
    const expected = `a divisor of the ${batch} rows at context ${context}, for ${place}`;
    throw new ConfigError({ what: 'training.accumulate', value: accumulate, expected });
  }
  const given = Object.fromEntries(
    Object.entries(others).filter(([key, value]) => key in fileSettings && value !== undefined),
  );
  return { batch, accumulate, steps: steps!, learningRate: learningRate!, ...given };
}
