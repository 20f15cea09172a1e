/** The learning rate over the course of a run. */

import { requireSettings } from '@sympow/core';
import { ConfigError } from '@sympow/kernels';
import { trainingSettings } from './trainingSettings';

/** A learning rate for every update, numbered from 1. */
export type Schedule = (step: number) => number;

/** The shape of {@link warmupCosine}. */
export interface WarmupCosineOptions {
  /** The highest learning rate, above 0. */
  readonly learningRate: number;
  /** Updates until it is reached, from 0 to `decaySteps`. */
  readonly warmup: number;
  /** The update with which the lowest learning rate is reached, at least 1; it stays from there on. */
  readonly decaySteps: number;
  /** The lowest learning rate as a fraction of the highest, from 0 to 1; default 0.1. */
  readonly floor?: number;
}

/**
 * Rises in a straight line from 0 to `learningRate`, which update number `warmup` has, and falls in half a cosine to
 * `floor·learningRate`.
 *
 * @throws ConfigError for options out of range
 * @example
 * ```ts
 * const schedule = warmupCosine({ learningRate: 1, warmup: 2, decaySteps: 4 });
 * [1, 2, 3, 4, 5].map(schedule); // 0.5, 1, 0.55, 0.1, 0.1
 * ```
 */
export function warmupCosine({
  learningRate,
  warmup,
  decaySteps,
  floor = trainingSettings.floor.default,
}: WarmupCosineOptions): Schedule {
  const { learningRate: rate, decaySteps: last, floor: least } = trainingSettings;
  requireSettings({ learningRate: rate, decaySteps: last, floor: least }, { learningRate, decaySteps, floor });
  if (!Number.isSafeInteger(warmup) || warmup < 0 || warmup > decaySteps) {
    throw new ConfigError({ what: 'warmup', value: warmup, expected: `a whole number from 0 to ${decaySteps}` });
  }
  return (step) => {
    if (step <= warmup) return (learningRate * step) / warmup;
    if (step >= decaySteps) return learningRate * floor;
    const progress = (step - warmup) / (decaySteps - warmup);
    return learningRate * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2);
  };
}
