/**
 * Types of this package. Letters: d head size, p power, D = C(d+p−1, p) embedded size, D_t tiled size, n rows of a batch,
 * e columns of a state. Arrays are flat and row-major.
 */

/** Vectors in single or double precision. What goes in decides what comes out. */
export type FloatArray = Float32Array | Float64Array;

/** Options of φ and of its gradient. */
export interface EmbedOptions<A extends FloatArray = FloatArray> {
  /** The degree p: a whole number from 1 to 1024, even or odd. */
  power: number;
  /** Where the result goes: an array of the result's length and of the class of `x`, not sharing memory with it. */
  out?: A;
}

/** Options of φ in the tiled layout. */
export interface TiledEmbedOptions<A extends FloatArray = FloatArray> extends EmbedOptions<A> {
  /** The tile size t, a divisor of d. */
  tile: number;
}

/**
 * The structure of φ that a fast loop needs, without one word per entry of φ.
 *
 * A monomial of degree r is a monomial of degree r−1, its prefix, times one coordinate that is not smaller than the
 * prefix's last. So the children of a prefix are one contiguous run: coordinates `last … d−1`, in order. Degree 0 is the
 * empty product 1, whose `last` is 0.
 */
export interface EmbeddingRuns {
  /** d. */
  readonly headSize: number;
  /** p. */
  readonly power: number;
  /** D. */
  readonly size: number;
  /** `last[r][j]`, r = 0 … p−1: the last coordinate of the j-th multi-index of degree r. */
  readonly last: readonly Int32Array[];
  /** Weight of the first entry in the run of the j-th prefix of degree p−1, where the last coordinate repeats. */
  readonly first: Float64Array;
  /** Weight of all the other entries of that run. */
  readonly rest: Float64Array;
}

/** All multi-indices of one degree r, by position in lexicographic order. */
export interface EmbeddingDegree {
  /** C(d+r−1, r). */
  readonly size: number;
  /** Position, in degree r−1, of the multi-index without its last coordinate. Zeros for r = 1, empty for r = 0. */
  readonly parent: Int32Array;
  /** The last coordinate, 0 … d−1. A single 0 for r = 0. */
  readonly last: Int32Array;
}

/** The structure of φ entry by entry, for kernels that give every entry its own thread. */
export interface EmbeddingPlan {
  /** d. */
  readonly headSize: number;
  /** p. */
  readonly power: number;
  /** D. */
  readonly size: number;
  /** Degrees 0 … p; `degrees[p].size` is D. */
  readonly degrees: readonly EmbeddingDegree[];
  /** [D], sqrt(p! / ∏ m_k!). */
  readonly weights: Float64Array;
}

/**
 * A sparse matrix that carries a state from one layout of φ to another, in compressed rows: output row r is the sum over
 * s in `start[r] … start[r+1]−1` of `scale[s]` times input row `index[s]`.
 */
export interface LayoutMap {
  readonly inputSize: number;
  readonly outputSize: number;
  /** [outputSize + 1]. */
  readonly start: Int32Array;
  readonly index: Int32Array;
  readonly scale: Float64Array;
}

/** Options of `applyLayoutMap`. */
export interface LayoutMapOptions<A extends FloatArray = FloatArray> {
  /** Columns e of the state: the value size for S, 1 (the default) for Z. */
  columns?: number;
  /** [outputSize, e], of the class of the state and not sharing memory with it. */
  out?: A;
}
