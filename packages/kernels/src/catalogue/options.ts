/** Arguments that are not tensors: what they must be, and those that several kernels share. */

/** What a number among the arguments must be. */
export interface OptionRule {
  holds(value: unknown): boolean;
  readonly expected: string;
}

/** What the kernels of the chunked form share. */
export interface PowerOptions {
  /** p ≥ 1. */
  readonly power: number;
  /** C ≥ 1: tokens per chunk; the last chunk may be shorter. C ≥ T gives the attention form. */
  readonly chunk: number;
}

/** `sum` divides by Σ_j B_ij (even p only); `none` leaves the sum as it is. */
export type Normalizer = 'sum' | 'none';

const isWhole = (value: unknown, least: number) => Number.isSafeInteger(value) && (value as number) >= least;

export const atLeast0: OptionRule = { holds: (x) => isWhole(x, 0), expected: 'a whole number of at least 0' };
export const atLeast1: OptionRule = { holds: (x) => isWhole(x, 1), expected: 'a whole number of at least 1' };
export const number: OptionRule = { holds: (x) => typeof x === 'number', expected: 'a number' };
export const whole: OptionRule = { holds: (x) => Number.isSafeInteger(x), expected: 'a whole number' };
export const finite: OptionRule = { holds: (x) => Number.isFinite(x), expected: 'a finite number' };
export const small: OptionRule = {
  holds: (x) => Number.isFinite(x) && (x as number) >= 0,
  expected: 'a finite number of at least 0',
};
export const clipping: OptionRule = {
  holds: (x) => typeof x === 'number' && x > 0,
  expected: 'a number above 0 (Infinity never clips)',
};
export const normalizer: OptionRule = { holds: (x) => x === 'sum' || x === 'none', expected: 'sum or none' };

/** One of some names. */
export function oneOf(...names: readonly string[]): OptionRule {
  return { holds: (x) => names.includes(x as string), expected: names.join(', ') };
}

/** The options of {@link PowerOptions}. */
export const chunked = { power: atLeast1, chunk: atLeast1 };
