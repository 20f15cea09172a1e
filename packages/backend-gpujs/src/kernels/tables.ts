/**
 * What the programs know of φ, as tables in float32: which coordinates each entry multiplies, and, for the gradient, which
 * entries a coordinate is part of.
 *
 * The entries that coordinate i is part of are those of i together with each multi-index J of degree p − 1, once each; the
 * derivative of such an entry is its weight times how often i occurs in it, times the product over J.
 */

import { embeddingWeights, multiIndexRank, multiIndices } from '@sympow/embedding';

export interface Tables {
  /** D. */
  readonly D: number;
  /** C(d+p−2, p−1): multi-indices of degree p − 1. */
  readonly E: number;
  /** [D, p]. */
  readonly index: Float32Array;
  /** [D]. */
  readonly weight: Float32Array;
  /** [E, p − 1], one 0 for p = 1. */
  readonly part: Float32Array;
  /** [d, E]: the entry of i and J. */
  readonly entry: Float32Array;
  /** [d, E]: its weight times how often i occurs in it. */
  readonly slope: Float32Array;
  /** [d, E]: how often i occurs in it. */
  readonly count: Float32Array;
}

function build(d: number, p: number): Tables {
  const index = Float32Array.from(multiIndices(d, p));
  const weights = embeddingWeights(d, p);
  const part = p > 1 ? Float32Array.from(multiIndices(d, p - 1)) : new Float32Array(1);
  const E = p > 1 ? part.length / (p - 1) : 1;
  const entry = new Float32Array(d * E);
  const slope = new Float32Array(d * E);
  const count = new Float32Array(d * E);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < E; j++) {
      const whole = [i, ...(p > 1 ? part.subarray(j * (p - 1), (j + 1) * (p - 1)) : [])].sort((a, b) => a - b);
      const at = i * E + j;
      entry[at] = multiIndexRank(whole, d);
      count[at] = whole.filter((each) => each === i).length;
      slope[at] = count[at] * weights[entry[at]]!;
    }
  }
  return { D: weights.length, E, index, weight: Float32Array.from(weights), part, entry, slope, count };
}

const built = new Map<string, Tables>();
const mostTables = 16;

/** The tables of head size d and power p; the last few are kept. */
export function tablesOf(d: number, p: number): Tables {
  const key = `${d} ${p}`;
  const tables = built.get(key) ?? build(d, p);
  built.delete(key);
  built.set(key, tables);
  if (built.size > mostTables) built.delete(built.keys().next().value!);
  return tables;
}
