/**
 * The specification in float64, as the plainest loops over numbers: what results are held to. It shares no code with any
 * backend. Everything here is for one head.
 */

/** A vector inside a larger array. */
export interface Rows {
  readonly data: ArrayLike<number>;
  /** Numbers per row. */
  readonly width: number;
}

/** φ by its definition: an entry per non-decreasing multi-index, with its weight. */
export interface Monomials {
  readonly power: number;
  /** [D·p] */
  readonly indices: Int32Array;
  /** [D] */
  readonly weights: Float64Array;
}

/** Multi-indices in lexicographic order and sqrt(p! / ∏ m_k!). */
export function monomials(d: number, power: number): Monomials {
  const all: number[][] = [];
  const extend = (index: number[]) => {
    if (index.length === power) all.push(index);
    else for (let i = index.at(-1) ?? 0; i < d; i++) extend([...index, i]);
  };
  extend([]);
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  const weights = Float64Array.from(all, (index) => {
    let ways = factorial(power);
    for (const i of new Set(index)) ways /= factorial(index.filter((each) => each === i).length);
    return Math.sqrt(ways);
  });
  return { power, indices: Int32Array.from(all.flat()), weights };
}

/** φ(x) of the `d` numbers at `from`, into `out` at `to`. */
export function phi(
  { power, indices, weights }: Monomials,
  x: ArrayLike<number>,
  from: number,
  out: Float32Array | Float64Array,
  to: number,
): void {
  for (let i = 0, at = 0; i < weights.length; i++) {
    let product = weights[i]!;
    for (let j = 0; j < power; j++) product *= x[from + indices[at++]!]!;
    out[to + i] = product;
  }
}

/** Sums of log gates from the beginning of each chunk. */
export function gateSums(logGate: ArrayLike<number>, chunk: number): Float64Array {
  let sum = 0;
  return Float64Array.from(logGate, (value, t) => (sum = (t % chunk === 0 ? 0 : sum) + value));
}

/** Σ_i a_i b_i over one row of each. */
export function dot(a: Rows, row: number, b: Rows, other: number): number {
  let sum = 0;
  for (let i = 0; i < a.width; i++) sum += a.data[row * a.width + i]! * b.data[other * a.width + i]!;
  return sum;
}

/** Rows `rows` of the gated power attention of specification §3: [rows.length, e]. */
export function powerAttentionRows(
  { q, k, v, logGate, power }: { q: Rows; k: Rows; v: Rows; logGate: ArrayLike<number>; power: number },
  rows: readonly number[],
): Float64Array {
  const A = gateSums(logGate, Infinity);
  const y = new Float64Array(rows.length * v.width);
  rows.forEach((i, row) => {
    let total = 0;
    for (let j = 0; j <= i; j++) {
      const weight = Math.exp(A[i]! - A[j]!) * (dot(q, i, k, j) / Math.sqrt(q.width)) ** power;
      total += weight;
      for (let c = 0; c < v.width; c++) y[row * v.width + c]! += weight * v.data[j * v.width + c]!;
    }
    for (let c = 0; c < v.width; c++) y[row * v.width + c]! /= total;
  });
  return y;
}
