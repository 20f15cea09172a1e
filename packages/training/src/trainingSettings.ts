/** The numbers of a run, one row each: the only place that knows their defaults, checks and flags. */

import { numberAbove, oneOfWords, realNumber, wholeNumber, type Check, type Setting } from '@sympow/core';

/** Of AdamW. */
export const adamwSettings = {
  beta1: {
    ...{ group: 'optimizer' },
    ...{ default: 0.9, says: 'share of the older in the mean of the gradients, β₁' },
    check: realNumber('a number from 0 to below 1', (value) => value >= 0 && value < 1, { least: 0, most: 1 }),
  },
  beta2: {
    ...{ group: 'optimizer' },
    ...{ default: 0.95, says: 'share of the older in the mean of their squares, β₂' },
    check: realNumber('a number from 0 to below 1', (value) => value >= 0 && value < 1, { least: 0, most: 1 }),
  },
  eps: {
    ...{ group: 'optimizer' },
    default: 1e-8,
    says: 'added to their root',
    check: realNumber('a number above 0', (value) => value > 0, { least: 0 }),
  },
  weightDecay: {
    ...{ group: 'optimizer' },
    ...{ default: 0.1, says: 'weight decay, on matrices' },
    check: realNumber('a number of at least 0', (value) => value >= 0 && value < Infinity, { least: 0 }),
    flag: { words: '--weight-decay <w>' },
  },
  clip: {
    ...{ group: 'optimizer' },
    ...{ default: 1, says: 'largest gradient norm' },
    check: realNumber('a number above 0 (Infinity never clips)', (value) => value > 0, { least: 0 }),
    flag: { words: '--clip <norm>' },
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** Updates, or schedules by the names of weights, whose own numbers are checked with the model that has them. */
const anneal: Check = {
  kind: 'whole',
  expected: 'a whole number of at least 1, or schedules by the names of weights',
  least: 1,
  holds: (value) =>
    wholeNumber().holds(value) ||
    (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0),
};

/** Of all; what a run has to be given has no default. */
export const trainingSettings = {
  context: {
    ...{ group: 'run', unit: 'tokens' },
    says: 'tokens per row, T',
    check: wholeNumber(),
    flag: { words: '--context <T>', default: 256 },
  },
  batch: {
    ...{ group: 'run', unit: 'rows' },
    says: 'rows per step, B',
    check: wholeNumber(),
    flag: { words: '--batch <B>', default: 8 },
  },
  steps: {
    ...{ group: 'run', unit: 'updates' },
    says: 'steps in all',
    check: wholeNumber(),
    flag: { words: '--steps <n>', default: 1000 },
  },
  accumulate: {
    ...{ group: 'run', unit: 'pieces' },
    ...{ default: 1, says: 'pieces in which the rows of a step are computed', check: wholeNumber() },
    flag: { words: '--accumulate <n>' },
  },
  gradientFormat: {
    ...{ group: 'run' },
    ...{ default: 'float32', says: 'in what gradients travel between processes' },
    check: oneOfWords(['float32', 'bfloat16', 'float16']),
    flag: { words: '--gradient-format <name>' },
  },
  seed: { ...{ group: 'run' }, default: 0, says: 'which rows are drawn', check: wholeNumber(0) },
  learningRate: {
    ...{ group: 'learning rate' },
    ...{ default: 6e-4, says: 'highest learning rate, after warm-up', check: numberAbove(0) },
    flag: { words: '--lr <rate>', default: 2e-3 },
  },
  warmup: {
    ...{ group: 'learning rate', unit: 'updates' },
    ...{ follows: true, says: 'steps until then (default: a tenth of all)', check: wholeNumber(0) },
    flag: { words: '--warmup <n>' },
  },
  decaySteps: {
    ...{ group: 'learning rate', unit: 'updates' },
    ...{ follows: true, says: 'the step with the lowest learning rate (default: the last)', check: wholeNumber() },
    flag: { words: '--decay-steps <n>' },
  },
  floor: {
    ...{ group: 'learning rate' },
    ...{ default: 0.1, says: 'lowest learning rate as a fraction of the highest' },
    check: realNumber('a number from 0 to 1', (value) => value >= 0 && value <= 1, { least: 0, most: 1 }),
    flag: { words: '--floor <x>' },
  },
  anneal: {
    ...{ group: 'run', unit: 'updates' },
    ...{ follows: true, check: anneal },
    says: 'updates in which mixed attention goes from softmax to power (default: it stays as it is)',
    flag: { words: '--anneal <n>' },
  },
  ...adamwSettings,
} as const satisfies Readonly<Record<string, Setting>>;

/** Their keys. */
export type TrainingSetting = keyof typeof trainingSettings;
