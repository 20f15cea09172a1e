// The multi-indices behind the entries of φ, their weights, and where each of them stands.
import { allocate } from './arrays';
import { ConfigError } from '@sympow/core';
import { embeddingRuns } from './runs';
import { embeddedSize, requireWhole } from './size';

/**
 * All non-decreasing multi-indices i_1 ≤ … ≤ i_p over 0 … d−1, in lexicographic order: entry i of φ(x) is a weight times
 * x_{i_1}···x_{i_p}.
 *
 * @param d - head size, at least 1
 * @param p - power, at least 1
 * @returns [D, p]
 * @throws ConfigError if either is not a whole number of at least 1
 * @throws OutOfMemoryError if the table cannot be held
 *
 * @example
 * ```ts
 * multiIndices(2, 2); // 0 0, 0 1, 1 1
 * ```
 */
export function multiIndices(d: number, p: number): Int32Array {
  const size = embeddedSize(d, p);
  const indices = allocate(Int32Array, size * p, `multi-indices of d = ${d}, power = ${p}`);
  for (let row = p; row < indices.length; row += p) {
    // The next one: the last coordinate that can grow does, and all after it start again from there.
    let turn = p - 1;
    while (indices[row - p + turn] === d - 1) turn--;
    indices.copyWithin(row, row - p, row - p + turn);
    indices.fill(indices[row - p + turn]! + 1, row + turn, row + p);
  }
  return indices;
}

/**
 * The weight of every entry of φ, sqrt(p! / ∏_k m_k!) with m_k the number of times coordinate k occurs.
 *
 * @returns [D], a fresh array
 * @throws ConfigError if a size is not a whole number of at least 1, or the power is above 1024
 * @throws OutOfMemoryError if the table cannot be held
 *
 * @example
 * ```ts
 * embeddingWeights(2, 2); // 1, sqrt(2), 1
 * ```
 */
export function embeddingWeights(d: number, p: number): Float64Array {
  const { size, last, first, rest } = embeddingRuns(d, p);
  const weights = allocate(Float64Array, size, `weights of d = ${d}, power = ${p}`);
  const starts = last[p - 1]!;
  let at = 0;
  for (let j = 0; j < starts.length; j++) {
    const end = at + d - starts[j]!;
    weights[at] = first[j]!;
    weights.fill(rest[j]!, at + 1, end);
    at = end;
  }
  return weights;
}

/**
 * The position of a multi-index in lexicographic order, that is, the entry of φ it stands for.
 *
 * @param indices - p coordinates in 0 … d−1, non-decreasing
 * @param d - head size
 * @throws ConfigError if there is no coordinate, one is out of range, or they decrease
 * @throws OutOfMemoryError if φ itself would be too large to address
 *
 * @example
 * ```ts
 * multiIndexRank([0, 1], 2); // 1
 * ```
 */
export function multiIndexRank(indices: ArrayLike<number>, d: number): number {
  requireWhole('head size d', d);
  let previous = 0;
  for (let j = 0; j < indices.length; j++) {
    const index = indices[j]!;
    if (!Number.isInteger(index) || index < previous || index >= d) {
      const expected = `a whole number from ${previous} to ${d - 1}, as multi-indices do not decrease`;
      throw new ConfigError({ what: `coordinate ${j} of the multi-index`, value: index, expected });
    }
    previous = index;
  }
  return ranking(d, indices.length)(indices);
}

/** The function from sorted multi-indices of length p to their positions, for loops over many of them: no checks. */
export function ranking(d: number, p: number): (indices: ArrayLike<number>) => number {
  embeddedSize(d, p);
  // counts[m·(p+1) + r] = C(m+r−1, r), by Pascal's rule.
  const stride = p + 1;
  const counts = allocate(Float64Array, (d + 1) * stride, `ranking of d = ${d}, power = ${p}`);
  counts[0] = 1;
  for (let m = 1; m <= d; m++) {
    counts[m * stride] = 1;
    for (let r = 1; r <= p; r++) counts[m * stride + r] = counts[(m - 1) * stride + r]! + counts[m * stride + r - 1]!;
  }
  return (indices) => {
    // Before i come all that share its first j coordinates and then have one from i_j up to, not including, i_{j+1}.
    let rank = 0;
    let previous = 0;
    for (let j = 0; j < p; j++) {
      const index = indices[j]!;
      rank += counts[(d - previous) * stride + p - j]! - counts[(d - index) * stride + p - j]!;
      previous = index;
    }
    return rank;
  };
}
