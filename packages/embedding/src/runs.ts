// The structure of φ as runs of contiguous last coordinates, which loops on a CPU follow.
import type { EmbeddingRuns } from './api';
import { allocate } from './arrays';
import { boundedCache } from './cache';
import { ConfigError } from '@sympow/core';
import { countMultisets, embeddedSize } from './size';

/** Beyond this even 2^p leaves the range of a double. */
const MAX_POWER = 1024;

const cached = /* @__PURE__ */ boundedCache<EmbeddingRuns>(64 * 2 ** 20, bytesOf);

/**
 * The prefix structure of φ in runs of contiguous last coordinates; see {@link EmbeddingRuns}. Its tables have the size
 * of degree p−1, a p/(d+p−1) part of φ. Shared between callers: do not write to it.
 *
 * @throws ConfigError if a size is not a whole number of at least 1, the power is above 1024, or a weight overflows
 * @throws OutOfMemoryError if φ or the tables cannot be held
 *
 * @example
 * ```ts
 * const { last, first, rest } = embeddingRuns(3, 2);
 * // last[1] = 0 1 2: the prefix x_1 is followed by x_1 and x_2; first = 1 1 1, rest = sqrt(2) for all
 * ```
 */
export function embeddingRuns(d: number, p: number): EmbeddingRuns {
  return cached(`${d},${p}`, () => build(d, p));
}

function build(d: number, p: number): EmbeddingRuns {
  if (p > MAX_POWER) {
    throw new ConfigError({ what: 'power', value: p, expected: `at most ${MAX_POWER} to embed vectors with` });
  }
  const size = embeddedSize(d, p);
  const what = `tables of d = ${d}, power = ${p}`;
  const last = [Int32Array.of(0)];
  let repeats = Int32Array.of(0); // how often the last coordinate occurs
  let ways = Float64Array.of(1); // r! / ∏ m_k!
  for (let r = 1; r < p; r++) {
    const count = Number(countMultisets(d, r));
    const degree = allocate(Int32Array, count, what);
    const degreeRepeats = allocate(Int32Array, count, what);
    const degreeWays = allocate(Float64Array, count, what);
    const prefix = last[r - 1]!;
    for (let j = 0, k = 0; j < prefix.length; j++) {
      for (let t = prefix[j]!; t < d; t++, k++) {
        degree[k] = t;
        degreeRepeats[k] = t === prefix[j] ? repeats[j]! + 1 : 1;
        degreeWays[k] = (ways[j]! * r) / degreeRepeats[k]!;
      }
    }
    last.push(degree);
    repeats = degreeRepeats;
    ways = degreeWays;
  }
  const first = ways.map((count, j) => Math.sqrt((count * p) / (repeats[j]! + 1)));
  const rest = ways.map((count) => Math.sqrt(count * p));
  if (!rest.every(Number.isFinite)) {
    const expected = `at most about ${Math.floor(1024 / Math.log2(d))} for d = ${d}, or weights overflow`;
    throw new ConfigError({ what: 'power', value: p, expected });
  }
  return { headSize: d, power: p, size, last, first, rest };
}

function bytesOf({ last, first, rest }: EmbeddingRuns): number {
  return [...last, first, rest].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
