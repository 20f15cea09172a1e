/** Reading the settings of a `config.json` that somebody else wrote. */

import { ConfigError } from '@sympow/kernels';
import type { ConfigJson } from './api';

/** The first of these settings that is there and not null. */
export function given(json: ConfigJson, ...keys: readonly string[]): unknown {
  return keys.map((key) => json[key]).find((value) => value !== undefined && value !== null);
}

/** A number. @throws ConfigError where it is missing or none */
export function number(json: ConfigJson, key: string, otherwise?: number): number {
  const value = given(json, key) ?? otherwise;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw refusal(key, value, 'a number');
}

/** A whole number of at least 1. @throws ConfigError where it is missing or none */
export function whole(json: ConfigJson, key: string, otherwise?: number): number {
  const value = number(json, key, otherwise);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw refusal(key, value, 'a whole number of at least 1');
}

/** True or false. @throws ConfigError where it is neither */
export function flag(json: ConfigJson, key: string, otherwise: boolean): boolean {
  const value = given(json, key) ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw refusal(key, value, 'true or false');
}

/** Refuses all values of a setting but some, and says why. @throws ConfigError */
export function only(json: ConfigJson, key: string, allowed: readonly unknown[], why: string): void {
  const value = json[key];
  if (value === undefined || value === null || allowed.includes(value)) return;
  throw refusal(
    key,
    value,
    allowed.length > 0 ? allowed.map((each) => JSON.stringify(each)).join(' or ') : 'none',
    why,
  );
}

export function refusal(key: string, value: unknown, expected: string, remedy?: string): ConfigError {
  return new ConfigError({ what: `${key} in config.json`, value, expected, ...(remedy !== undefined && { remedy }) });
}
