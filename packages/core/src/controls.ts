// The form of a page from a table of settings, and what was put into it as values again. No page is built here.
import type { Check, Setting } from './setting';

type Settings = Readonly<Record<string, Setting>>;

/** One field of a form. */
export interface Control extends Pick<Check, 'kind' | 'expected' | 'choices' | 'open'> {
  /** Of the setting. */
  readonly key: string;
  /** The key in words: `Hidden size`. */
  readonly label: string;
  readonly says: string;
  /** What it stands under. */
  readonly group: string;
  readonly unit: string | undefined;
  /** Of a number. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly step: number | 'any' | undefined;
  /** What a new form shows; absent: an empty field. */
  readonly default: unknown;
  /** Whether it has to be filled in. */
  readonly required: boolean;
}

/** What stands in a form by the keys of its fields: text, or whether a switch is on. */
export type FormFields = Readonly<Record<string, string | boolean | undefined>>;

/** What a form comes to. */
export interface FormValues {
  /** Of those fields that are filled in and right. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What was expected instead, by the keys of the fields that are wrong. Empty: all is well. */
  readonly errors: Readonly<Record<string, string>>;
}

/**
 * The fields of a form, in the order of the table.
 *
 * @example
 * ```ts
 * import { controls, wholeNumber } from '@sympow/core';
 * const [field] = controls({ maxTokens: { says: 'most tokens', default: 300, check: wholeNumber(), unit: 'tokens' } });
 * console.log(field?.label, field?.min, field?.unit); // 'Max tokens' 1 'tokens'
 * ```
 */
export function controls(settings: Settings): Control[] {
  return Object.entries(settings).map(([key, setting]) => {
    const { says, check, group = 'settings', unit, default: usual, follows } = setting;
    const { kind, expected, choices, open, least: min, most: max } = check;
    const step = kind === 'whole' ? 1 : kind === 'number' ? 'any' : undefined;
    const required = !('default' in setting) && !follows;
    return {
      ...{ key, label: labelOf(key), says, group, unit, kind, expected, min, max, step, default: usual, required },
      ...(choices && { choices }),
      ...(open && { open }),
    };
  });
}

/** Values from what stands in a form. A field that is empty has no value, and is wrong only where it has to be filled in. */
export function valuesOf(settings: Settings, fields: FormFields): FormValues {
  const values: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const { key, required, expected } of controls(settings)) {
    const field = fields[key];
    const { check } = settings[key]!;
    if (field === undefined || (typeof field === 'string' && field.trim() === '')) {
      if (required) errors[key] = expected;
      continue;
    }
    const value = valueOf(field, check);
    // Entries are named here, and looked up by what takes the values.
    const named = check.kind === 'choice' && (check.open || check.choices?.includes(value as string));
    if (named || check.holds(value)) values[key] = value;
    else errors[key] = expected;
  }
  return { values, errors };
}

function valueOf(field: string | boolean, { kind }: Check): unknown {
  if (typeof field === 'boolean' || kind === 'choice') return field;
  if (kind === 'whole' || kind === 'number') return Number(field);
  try {
    return JSON.parse(field);
  } catch {
    return field;
  }
}

function labelOf(key: string): string {
  const words = key.replaceAll(/(?<=[a-z])[A-Z0-9]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
