// A setting as a row of a table: checks, options of a command line, schemas of files, controls of a page and tables of a README are
// read from it.
import { ConfigError } from './errors';

/** What a setting may be. */
export interface Check {
  /** How it is asked for: a number, one of several words, yes or no, or something that takes more than that. */
  readonly kind: 'whole' | 'number' | 'choice' | 'switch' | 'other';
  /** In words, for messages: `a number above 0`. */
  readonly expected: string;
  /** Of a `choice`. */
  readonly choices?: readonly string[];
  /** Of a `choice`: there may be others, which somebody hands in. */
  readonly open?: true;
  /** Of a number: none below, and none above. Bounds that are excluded themselves are said by `expected` alone. */
  readonly least?: number;
  readonly most?: number;
  holds(value: unknown): boolean;
}

/** How a command line calls a setting. */
export interface Flag {
  /** As it is written: `--init-std <std>`. */
  readonly words: string;
  /** What it does, where that is not what the setting is. */
  readonly says?: string;
  /** What it is on a command line, where that is not the setting's default. */
  readonly default?: unknown;
  /** What a `switch` sets; default `true`. */
  readonly sets?: boolean;
}

/** All that there is to say about a setting. */
export interface Setting {
  /** What it is, in a few words. */
  readonly says: string;
  /** What it is where nobody says; absent: it has to be given, or follows from others. */
  readonly default?: unknown;
  /** Where nobody says, what it is follows from others. */
  readonly follows?: true;
  readonly check: Check;
  readonly flag?: Flag;
  /** What a page puts it under, and what its number counts. */
  readonly group?: string;
  readonly unit?: string;
}

/** A whole number, of at least this. */
export function wholeNumber(least = 1): Check {
  const holds = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least;
  return { kind: 'whole', expected: `a whole number of at least ${least}`, least, holds };
}

/** A number for which `fits` is true. */
export function realNumber(
  expected: string,
  fits: (value: number) => boolean,
  bounds: Pick<Check, 'least' | 'most'> = {},
): Check {
  return { kind: 'number', expected, ...bounds, holds: (value) => typeof value === 'number' && fits(value) };
}

/** A number above this, and no infinite one. */
export function numberAbove(low: number): Check {
  return realNumber(`a number above ${low}`, (value) => value > low && value < Infinity, { least: low });
}

/** One of several words. */
export function oneOfWords(choices: readonly string[]): Check {
  const holds = (value: unknown) => (choices as readonly unknown[]).includes(value);
  return { kind: 'choice', expected: `one of ${choices.join(', ')}`, choices, holds };
}

/** True or false. */
export const yesOrNo: Check = {
  kind: 'switch',
  expected: 'true or false',
  holds: (value) => typeof value === 'boolean',
};

/**
 * Checks values against what their settings say.
 *
 * @throws ConfigError for the first value that is not what its setting may be; one that nobody has to give may be undefined
 */
export function requireSettings(
  settings: Readonly<Record<string, Setting>>,
  values: Readonly<Record<string, unknown>>,
): void {
  for (const [key, setting] of Object.entries(settings)) {
    const [value, { check }] = [values[key], setting];
    if (check.holds(value) || (value === undefined && ('default' in setting || setting.follows))) continue;
    throw new ConfigError({ what: key, value, expected: check.expected });
  }
}

/** The defaults of settings that have one. */
export function defaultsOf(settings: Readonly<Record<string, Setting>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, setting]) => ('default' in setting ? [[key, setting.default]] : [])),
  );
}
