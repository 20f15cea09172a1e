// φ and its gradient, for one vector and for batches. Everything is computed in double precision and rounded once, into
// the class of array that came in. No kernel of a backend: this is the reference, and fast enough to prepare data with.
import type { EmbeddingRuns, EmbedOptions, FloatArray } from './api';
import { allocate, requireFloats, requireLength, resultLike } from './arrays';
import { ShapeError } from '@sympow/core';
import { embeddingRuns } from './runs';
import { requireWhole } from './size';

/**
 * The symmetric power embedding of one vector, φ(x)_i = sqrt(p! / ∏_k m_k(i)!) · x_{i_1}···x_{i_p} over non-decreasing
 * multi-indices i in lexicographic order, so that φ(q)·φ(k) = (q·k)^p (arXiv 2507.04239, section 2).
 *
 * @param x - [d]
 * @returns φ(x), [D] with D = C(d+p−1, p), in the class of `x`; `out` if it was given
 * @throws ShapeError if `x` is empty or not a Float32Array or Float64Array, or `out` does not fit
 * @throws ConfigError if the power is not a whole number from 1 to 1024, or too high for weights in a double
 * @throws OutOfMemoryError if φ(x) cannot be held; nothing is allocated then
 *
 * @example
 * ```ts
 * const q = Float64Array.of(1, 2, 3);
 * const k = Float64Array.of(4, 0, -1);
 * const a = embed(q, { power: 2 });
 * const b = embed(k, { power: 2 });
 * a.reduce((sum, value, i) => sum + value * b[i]!, 0); // (q·k)² = 1, up to rounding
 * ```
 */
export function embed<A extends FloatArray>(x: A, options: EmbedOptions<A>): A {
  return embedBatch(x, 1, options);
}

/**
 * {@link embed} for every row of a matrix.
 *
 * @param x - [n, d], flat
 * @param rows - n, at least 1
 * @returns [n, D], flat
 * @throws ShapeError if `x` does not divide into rows, or `out` does not fit
 * @throws ConfigError and OutOfMemoryError as {@link embed}
 *
 * @example
 * ```ts
 * const keys = new Float32Array(4096 * 32).fill(0.5);
 * embedBatch(keys, 4096, { power: 2 }).length; // 4096 · 528
 * ```
 */
export function embedBatch<A extends FloatArray>(x: A, rows: number, { power, out }: EmbedOptions<A>): A {
  const d = rowLength(x, rows);
  const runs = embeddingRuns(d, power);
  const phi = resultLike(x, rows * runs.size, `φ of ${rows} rows, d = ${d}, power = ${power}`, out);
  const scratch = scratchOf(runs);
  for (let row = 0; row < rows; row++) {
    raise(runs, scratch, x, row);
    weigh(runs, scratch, phi, row * runs.size);
  }
  return phi;
}

/**
 * The vector-Jacobian product of {@link embed}: dx_t = Σ_i dφ_i ∂φ_i/∂x_t.
 *
 * @param x - [d], what was embedded
 * @param dphi - [D], the gradient of φ(x)
 * @returns dx, [d], in the class of `x`; `out` if it was given
 * @throws ShapeError if an array is empty, of another class or length
 * @throws ConfigError and OutOfMemoryError as {@link embed}
 *
 * @example
 * ```ts
 * // φ(x) for p = 1 is x itself.
 * embedBackward(Float64Array.of(5, 7), Float64Array.of(1, 2), { power: 1 }); // 1, 2
 * ```
 */
export function embedBackward<A extends FloatArray>(x: A, dphi: FloatArray, options: EmbedOptions<A>): A {
  return embedBatchBackward(x, dphi, 1, options);
}

/**
 * {@link embedBackward} for every row of a matrix.
 *
 * @param x - [n, d], flat
 * @param dphi - [n, D], flat
 * @param rows - n, at least 1
 * @returns dx, [n, d], flat
 * @throws ShapeError, ConfigError and OutOfMemoryError as {@link embedBackward}
 *
 * @example
 * ```ts
 * const x = Float64Array.of(1, 2, 3, 4);
 * embedBatchBackward(x, new Float64Array(6).fill(1), 2, { power: 2 }).length; // 4
 * ```
 */
export function embedBatchBackward<A extends FloatArray>(
  x: A,
  dphi: FloatArray,
  rows: number,
  { power, out }: EmbedOptions<A>,
): A {
  const d = rowLength(x, rows);
  const runs = embeddingRuns(d, power);
  requireFloats('dphi', dphi);
  requireLength('dphi', dphi, rows * runs.size);
  const dx = resultLike(x, rows * d, 'dx', out);
  const scratch = gradientScratchOf(runs);
  for (let row = 0; row < rows; row++) {
    raise(runs, scratch, x, row);
    scratch.dx.fill(0);
    unweigh(runs, scratch, dphi, row * runs.size);
    lower(runs, scratch);
    dx.set(scratch.dx, row * d);
  }
  return dx;
}

/** What the loops below work in: a vector, and numbers for each degree below p. */
interface Scratch {
  readonly x: Float64Array; // [d]
  /** `monomials[r]`, r = 0 … p−1: unweighted, by position. */
  readonly monomials: readonly Float64Array[];
}

/** What gradients take beside that: dx, and the gradients of the monomials. */
interface GradientScratch extends Scratch {
  readonly dx: Float64Array;
  readonly gradients: readonly Float64Array[];
}

// Kept as long as the runs are, so that embedding into a given `out` allocates nothing from the second call on.
const scratches = new WeakMap<EmbeddingRuns, Scratch>();

function scratchOf(runs: EmbeddingRuns): Scratch {
  let scratch = scratches.get(runs);
  if (!scratch) {
    scratch = { x: new Float64Array(runs.headSize), monomials: perDegree(runs) };
    scratch.monomials[0]![0] = 1;
    scratches.set(runs, scratch);
  }
  return scratch;
}

function gradientScratchOf(runs: EmbeddingRuns): GradientScratch {
  const scratch: Scratch & Partial<GradientScratch> = scratchOf(runs);
  return scratch.dx
    ? (scratch as GradientScratch)
    : Object.assign(scratch, { dx: new Float64Array(runs.headSize), gradients: perDegree(runs) });
}

function perDegree({ last }: EmbeddingRuns): Float64Array[] {
  return last.map(({ length }) => allocate(Float64Array, length, 'scratch memory'));
}

/** Monomials of degree 1 … p−1 of one row, each from its prefix. The loops see doubles, whatever came in. */
function raise({ last }: EmbeddingRuns, { x, monomials }: Scratch, rows: FloatArray, row: number): void {
  const d = x.length;
  for (let t = 0; t < d; t++) x[t] = rows[row * d + t]!;
  for (let r = 1; r < monomials.length; r++) {
    const prefix = monomials[r - 1]!;
    const start = last[r - 1]!;
    const monomial = monomials[r]!;
    let at = 0;
    for (let j = 0; j < prefix.length; j++) {
      const factor = prefix[j]!;
      for (let t = start[j]!; t < d; t++) monomial[at++] = factor * x[t]!;
    }
  }
}

/** The last step, from degree p−1 to φ, with the weights. Four entries at a time, as this is where the time goes. */
function weigh({ last, first, rest }: EmbeddingRuns, { x, monomials }: Scratch, phi: FloatArray, at: number): void {
  const d = x.length;
  const prefix = monomials.at(-1)!;
  const start = last.at(-1)!;
  for (let j = 0; j < prefix.length; j++) {
    let t = start[j]!;
    phi[at++] = prefix[j]! * first[j]! * x[t++]!;
    const factor = prefix[j]! * rest[j]!;
    for (; t < d - 3; t += 4, at += 4) {
      const a = factor * x[t]!;
      const b = factor * x[t + 1]!;
      const c = factor * x[t + 2]!;
      const e = factor * x[t + 3]!;
      phi[at] = a;
      phi[at + 1] = b;
      phi[at + 2] = c;
      phi[at + 3] = e;
    }
    for (; t < d; t++) phi[at++] = factor * x[t]!;
  }
}

/** The backward of {@link weigh}: from dφ to the gradients of degree p−1, and its share of dx. */
function unweigh(
  { last, first, rest }: EmbeddingRuns,
  scratch: GradientScratch,
  dphi: FloatArray,
  begin: number,
): void {
  const { x, dx } = scratch;
  const prefix = scratch.monomials[last.length - 1]!;
  const gradient = scratch.gradients[last.length - 1]!;
  const start = last[last.length - 1]!;
  let at = begin;
  for (let j = 0; j < prefix.length; j++) {
    let t = start[j]!;
    const head = dphi[at++]! * first[j]!;
    dx[t]! += head * prefix[j]!;
    const headShare = head * x[t++]!;
    const factor = prefix[j]! * rest[j]!;
    let sum = 0;
    for (; t < x.length; t++) {
      const g = dphi[at++]!;
      sum += g * x[t]!;
      dx[t]! += g * factor;
    }
    gradient[j] = headShare + sum * rest[j]!;
  }
}

/** The backward of {@link raise}. Degree 0 is a constant and needs no gradient. */
function lower({ last }: EmbeddingRuns, { x, dx, monomials, gradients }: GradientScratch): void {
  for (let r = monomials.length - 1; r > 0; r--) {
    const prefix = monomials[r - 1]!;
    const start = last[r - 1]!;
    const gradient = gradients[r]!;
    const prefixGradient = gradients[r - 1]!;
    let at = 0;
    for (let j = 0; j < prefix.length; j++) {
      const factor = prefix[j]!;
      let sum = 0;
      for (let t = start[j]!; t < x.length; t++) {
        const g = gradient[at++]!;
        sum += g * x[t]!;
        dx[t]! += g * factor;
      }
      prefixGradient[j] = sum;
    }
  }
}

function rowLength(x: FloatArray, rows: number): number {
  requireFloats('x', x);
  requireWhole('rows', rows);
  if (x.length === 0 || x.length % rows !== 0) {
    throw new ShapeError({ what: 'length of x', value: x.length, expected: `a positive multiple of ${rows} rows` });
  }
  return x.length / rows;
}
