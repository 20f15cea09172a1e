// How many entries φ has, in both layouts. Exact, and refused where an array could not hold them.
import { ConfigError, OutOfMemoryError } from '@sympow/core';

/** Most entries that φ or a table about it may have: positions fit 32-bit integers, arrays fit every engine of today. */
export const MAX_ENTRIES = 2 ** 31 - 1;

/** Where {@link countMultisets} stops counting. */
export const COUNT_LIMIT = 1n << 80n;

/**
 * The embedded size D = C(d+p−1, p): how many monomials of degree p there are in d variables, and so the length of φ
 * (arXiv 2507.04239, section 2).
 *
 * @param d - head size, at least 1
 * @param p - power, at least 1; odd powers are fine
 * @throws ConfigError if either is not a whole number of at least 1
 * @throws OutOfMemoryError if D is above 2³¹−1; names the bytes that one float32 vector would take
 *
 * @example
 * ```ts
 * embeddedSize(64, 2); // 2080
 * embeddedSize(32, 4); // 52360
 * ```
 */
export function embeddedSize(d: number, p: number): number {
  requireWhole('head size d', d);
  requireWhole('power', p);
  return asEntries(countMultisets(d, p), `φ of d = ${d}, power = ${p}`);
}

/**
 * The size of φ in the tiled layout, D_t = C(d/t+p−1, p)·t^p: larger than D, because a tile that meets itself holds a
 * monomial more than once.
 *
 * @param d - head size
 * @param p - power
 * @param tile - tile size t, a divisor of d; t = 1 is the lexicographic layout, t = d the full tensor power
 * @throws ConfigError if a size is not a whole number of at least 1, or t does not divide d
 * @throws OutOfMemoryError if D_t is above 2³¹−1
 *
 * @example
 * ```ts
 * tiledSize(64, 2, 8); // 2304
 * ```
 */
export function tiledSize(d: number, p: number, tile: number): number {
  requireWhole('head size d', d);
  requireWhole('power', p);
  requireWhole('tile', tile);
  if (d % tile !== 0) {
    throw new ConfigError({ what: 'tile', value: tile, expected: `a divisor of the head size ${d}` });
  }
  // t^p alone is out of reach from exponent 31 on, unless t is 1.
  const products = BigInt(tile) ** BigInt(tile === 1 ? 1 : Math.min(p, 64));
  return asEntries(countMultisets(d / tile, p) * products, `φ of d = ${d}, power = ${p} in tiles of ${tile}`);
}

/** @throws ConfigError unless `value` is a whole number of at least 1. */
export function requireWhole(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new ConfigError({ what, value, expected: 'a whole number of at least 1' });
  }
}

/**
 * How many non-decreasing sequences of a length there are over a number of kinds, C(kinds+length−1, length). From 2^80 on
 * the answer is only a lower bound.
 */
export function countMultisets(kinds: number, length: number): bigint {
  const steps = Math.min(length, kinds - 1);
  const base = BigInt(Math.max(length, kinds - 1));
  let count = 1n;
  for (let i = 1n; i <= steps && count < COUNT_LIMIT; i++) count = (count * (base + i)) / i;
  return count;
}

function asEntries(count: bigint, what: string): number {
  if (count <= MAX_ENTRIES) return Number(count);
  throw tooLarge(`${what} in float32`, count, 4);
}

/** The error for what no array can hold. */
export function tooLarge(
  what: string,
  entries: number | bigint,
  bytesEach: number,
  expected = `at most ${MAX_ENTRIES} entries`,
  cause?: unknown,
): OutOfMemoryError {
  const bytes = BigInt(entries) * BigInt(bytesEach);
  const more = entries >= COUNT_LIMIT ? 'more than ' : '';
  const message = `${what} would take ${more}${bytes} bytes (${(Number(bytes) / 2 ** 30).toFixed(1)} GiB)`;
  const remedy = 'Use a smaller head size, power or batch.';
  return new OutOfMemoryError({ what, value: entries, message, expected, remedy, cause });
}
