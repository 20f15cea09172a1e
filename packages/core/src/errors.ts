// The errors that the packages throw: one line that names the value, what was expected, and what to do about it.
// Other packages add their own kinds by extending `SympowError` with a name and a code.

import { isError, typedArrayKind } from './realms';

/** What an error says. The message reads `<what> is <value>; expected <expected>. <remedy>`. */
export interface ErrorDetails {
  /** The thing at fault, as its owner calls it: `power`, `shape of k`, `tensor "lm_head.weight"`. */
  what: string;
  /** What it was. Shown in brief: long strings and arrays are cut. */
  value: unknown;
  /** What it should have been, as a noun: `a whole number of at least 1`. */
  expected: string;
  /** What to do about it, as a sentence. */
  remedy?: string;
  /** Stands in for `<what> is <value>` where that would not read well: `the file ends after 12 bytes`. */
  message?: string;
  /** The error that led to this one. */
  cause?: unknown;
}

/**
 * The base of every error that these packages throw on purpose. Narrow by {@link isSympowError} and `code`: two copies of a
 * package may be loaded, its ESM and its CommonJS, and `instanceof` knows the errors of one alone.
 *
 * @example
 * ```ts
 * class DataError extends SympowError {
 *   override readonly name = 'DataError';
 *   readonly code = 'DATA';
 * }
 * throw new DataError({ what: 'vocabulary', value: 70000, expected: 'at most 65536 tokens' });
 * // DataError: vocabulary is 70000; expected at most 65536 tokens.
 * ```
 */
export abstract class SympowError extends Error {
  abstract override readonly name: string;
  /** Stable across versions, unlike the message. */
  abstract readonly code: string;
  /** What is wrong, without what was expected and the remedy. */
  declare readonly problem: string;
  /** The offending value itself. */
  declare readonly value: unknown;
  declare readonly expected: string;
  declare readonly remedy: string | undefined;

  constructor({ what, value, expected, remedy, message, cause }: ErrorDetails) {
    const problem = message ?? `${what} is ${describeValue(value)}`;
    const sentences = [`${problem}; expected ${expected}`, remedy ?? ''];
    super(sentences.map(asSentence).join(' ').trim(), cause ? { cause } : undefined);
    Object.assign(this, { problem, value, expected, remedy });
  }
}

/**
 * Whether an error was thrown by these packages, whichever copy of them threw it, and of one kind where a code is given.
 *
 * @example
 * ```ts
 * try {
 *   throw new ConfigError({ what: 'power', value: 0, expected: 'at least 1' });
 * } catch (error) {
 *   console.log(isSympowError(error, 'CONFIG')); // true
 * }
 * ```
 */
export function isSympowError(error: unknown, code?: string): error is SympowError {
  if (!isError(error) || !('code' in error && 'problem' in error && 'expected' in error)) return false;
  return typeof error.code === 'string' && (code === undefined || error.code === code);
}

/** The length or shape of an array is not the one that the call needs. */
export class ShapeError extends SympowError {
  override readonly name = 'ShapeError';
  readonly code = 'SHAPE';
}

/** An option, or a combination of options, that has no meaning. */
export class ConfigError extends SympowError {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG';
}

/** More memory than there is, or than one array can hold. The message names the bytes. */
export class OutOfMemoryError extends SympowError {
  override readonly name = 'OutOfMemoryError';
  readonly code = 'OUT_OF_MEMORY';
}

/**
 * A value in at most about 80 characters and one line, for messages.
 *
 * @example
 * ```ts
 * describeValue([2, 3]); // '[2, 3]'
 * describeValue(new Float32Array(12)); // 'Float32Array(12)'
 * describeValue('a\nb'); // '"a\\nb"'
 * ```
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 72 ? `${value.slice(0, 72)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name ? `function ${value.name}` : 'a function';
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return firstOf(value, 8, (item) => (Array.isArray(item) ? '[…]' : describeValue(item)));
  const kind = (value.constructor as { name?: string } | undefined)?.name || 'Object';
  if (typedArrayKind(value)) return `${kind}(${(value as Uint8Array).length})`;
  if (isError(value)) return `${kind} ${describeValue(value.message)}`;
  if (kind !== 'Object') return `an instance of ${kind}`;
  return `an object with keys ${firstOf(Object.keys(value), 4, String)}`;
}

/** `[a, b]`: the first of some items in words, and how many there are where that is more. */
function firstOf(items: readonly unknown[], most: number, words: (item: unknown) => string): string {
  const shown = items.slice(0, most).map(words);
  if (items.length > most) shown.push(`… (${items.length} in all)`);
  return `[${shown.join(', ')}]`;
}

function asSentence(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[^.!?]$/, '$&.');
}
