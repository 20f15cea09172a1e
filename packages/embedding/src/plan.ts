// The structure of φ entry by entry, for kernels that give every entry its own thread.
import type { EmbeddingDegree, EmbeddingPlan } from './api';
import { allocate } from './arrays';
import { boundedCache } from './cache';
import { embeddingWeights } from './multiIndex';
import { embeddingRuns } from './runs';

const cached = /* @__PURE__ */ boundedCache<EmbeddingPlan>(64 * 2 ** 20, bytesOf);

/**
 * The prefix structure of φ entry by entry: with `monomial[0] = [1]`, `monomial[r][i] = monomial[r−1][parent[i]] ·
 * x[last[i]]` gives all monomials with one multiplication each, and `weights · monomial[p]` is φ(x). Takes 16 bytes and
 * more per entry of φ. Shared between callers: do not write to it.
 *
 * @throws ConfigError if a size is not a whole number of at least 1, the power is above 1024, or a weight overflows
 * @throws OutOfMemoryError if the tables cannot be held
 *
 * @example
 * ```ts
 * const { degrees, weights } = embeddingPlan(64, 2);
 * degrees[2]?.size; // 2080
 * ```
 */
export function embeddingPlan(d: number, p: number): EmbeddingPlan {
  return cached(`${d},${p}`, () => build(d, p));
}

function build(d: number, p: number): EmbeddingPlan {
  const { last: prefixes, size } = embeddingRuns(d, p);
  const degrees: EmbeddingDegree[] = [{ size: 1, parent: new Int32Array(0), last: Int32Array.of(0) }];
  for (const [r, prefix] of prefixes.entries()) {
    degrees.push(children(prefix, d, prefixes[r + 1]?.length ?? size));
  }
  return { headSize: d, power: p, size, degrees, weights: embeddingWeights(d, p) };
}

function children(prefix: Int32Array, d: number, size: number): EmbeddingDegree {
  const parent = allocate(Int32Array, size, `plan of ${size} entries`);
  const last = allocate(Int32Array, size, `plan of ${size} entries`);
  let at = 0;
  for (let j = 0; j < prefix.length; j++) {
    for (let t = prefix[j]!; t < d; t++, at++) {
      parent[at] = j;
      last[at] = t;
    }
  }
  return { size, parent, last };
}

function bytesOf({ degrees, weights }: EmbeddingPlan): number {
  return degrees.reduce((bytes, { parent, last }) => bytes + parent.byteLength + last.byteLength, weights.byteLength);
}
