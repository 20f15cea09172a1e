/**
 * Types of the gated rotary power recurrence. Letters: B batch, T time, H query heads, G key/value heads, d key size, e value
 * size, p power, D = C(d+p−1, p), C chunk length. Formulas: the README of this package.
 */

import type { Tape, Variable } from '@sympow/autograd';
import type { Backend, HalfType, Normalizer, Tensor } from '@sympow/kernels';

/**
 * How the same numbers are computed: `attention` in T² steps without a state, `chunked` with one state per chunk, `recurrent`
 * token by token (the definition; float32 loses digits in it, see the README). `auto` takes the cheaper of the first two.
 */
export type Form = 'auto' | 'attention' | 'chunked' | 'recurrent';

/** What an attention layer reads: one row per token, position already left to the phases. */
export interface AttentionInputs {
  /** [B, T, H, d] */
  readonly q: Variable;
  /** [B, T, G, d] */
  readonly k: Variable;
  /** [B, T, G, e] */
  readonly v: Variable;
  /** Logarithms of the gates, each ≤ 0: [B, T, G], or [B, T, G, d] for one gate per key dimension. Absent: γ = 1. */
  readonly logGate?: Variable | undefined;
  /** How q and k are turned; absent: not at all. */
  readonly phases?: PhaseInputs | undefined;
  /** [B, T] int32: not 0 where a document begins; the token there sees nothing before it. */
  readonly reset?: Tensor | undefined;
  /**
   * What a kind of attention reads beyond that, by the names that it gives: [B, T, …] with three axes or more, a row for every
   * token, or with fewer axes for all tokens.
   */
  readonly own?: Readonly<Record<string, Variable>> | undefined;
}

/** What the rotary phases are summed from: μ_i·θ with μ_i = Σ_{m≤i} β_m. */
export interface PhaseInputs {
  /** [G, d/2], radians per token. */
  readonly theta: Variable;
  /** [G, d/2], what rounding took from θ; see `fixedTheta`. */
  readonly thetaTail?: Tensor | undefined;
  /** [B, T, G], or [B, T, G, d/2] for one β per pair; absent: β = 1. */
  readonly beta?: Variable | undefined;
}

/** The state of one layer after a sequence; its kind says what it is made of. */
export interface State {
  /** [B, G, rows, e] */
  readonly S: Variable;
  /** [B, G, rows], where answers are divided by a sum. */
  readonly Z?: Variable | undefined;
  /** [B, G, d/2] turns; absent without phases. */
  readonly phase?: Variable | undefined;
}

/**
 * The state of power attention, in its one public layout (version 1): lexicographic D, φ of unscaled keys, phases in turns
 * modulo 1. Its size does not depend on how much was read. What powers of keys it holds is those that a float32 does: see
 * "Range" in the README.
 */
export interface PowerState extends State {
  /** [B, G, D, e] */
  readonly S: Variable;
  /** [B, G, D] */
  readonly Z: Variable;
}

/** What makes a power recurrence. */
export interface PowerOptions {
  /** p: even with normalizer `sum`, any with `none`. */
  readonly power: number;
  /** Default `sum`. */
  readonly normalizer?: Normalizer;
  /** C of the chunked form; by default from D. */
  readonly chunk?: number;
  readonly form?: Form;
}

/** What to do with one sequence. */
export interface SequenceOptions<X extends State = State> {
  /** The state to start from; absent: empty. */
  readonly state?: X | undefined;
  /** Whether the state after the last token is computed. Default `true`. */
  readonly finalState?: boolean;
}

/** What comes out of a sequence. */
export interface SequenceResult<X extends State = State> {
  /** [B, T, H, e] */
  readonly y: Variable;
  /** Absent with `finalState: false`. */
  readonly state?: X | undefined;
}

/** Memory of a layer while it reads a stream: updated in place, never recorded on a tape. Each row goes its own way. */
export interface Memory {
  /** The name of its kind. */
  readonly kind: string;
  readonly shape: MemoryShape;
  /** Tokens that each row has read so far. */
  readonly positions: readonly number[];
  /** Tokens that the row which has read most has read. */
  readonly position: number;
  /** Bytes held now, but for two numbers a row. Constant for power layers, growing for softmax. */
  readonly bytes: number;
  /**
   * Row `row` becomes what row `fromRow` of `from` is, which may be this memory itself. On the device: a row is put in from a memory
   * of one row that was saved, taken out into one, or begun anew from an empty one.
   *
   * @throws ConfigError or ShapeError for a memory of another kind or of other sizes, or a row that is not there
   */
  copyRow(row: number, from: Memory, fromRow: number): void;
  /**
   * Which of a few ways the next token of all rows goes. Tokens that go the same way make the same launches on the same tensors, so
   * those of one can be recorded and made again for the next, as long as `bytes` stays what it is: a cache that grows has other
   * tensors. Absent for a token that goes a way of its own.
   */
  readonly way?: number | undefined;
  /** Notes that every row has read one token, whose launches were made again from a recording. */
  follow?(): void;
  /** The public state by name, window folded in, or the memory as it stands; it goes on unchanged. */
  save(options?: SaveOptions): Promise<SavedMemory>;
  dispose(): void;
}

/** How a memory is saved. */
export interface SaveOptions {
  /**
   * The row that is saved, as a memory of one row. Absent: all of them, which then have to stand at one position, or
   * ConfigError is thrown.
   */
  readonly row?: number;
  /**
   * Whether what goes on from it must give the same numbers to the last bit. Then the tokens in the window stand beside the
   * state, as `windowK`, `windowV` and `windowLogGate`, and what rounding took from the phases as `phaseTail`. Default `false`.
   */
  readonly exact?: boolean;
}

/** A memory at rest: arrays with their shapes, ready for a safetensors file. */
export interface SavedMemory {
  readonly position: number;
  readonly tensors: Readonly<Record<string, SavedTensor>>;
}

/** An array with its shape, row-major. */
export interface SavedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  /** The half that the numbers were kept in, which holds them exactly. */
  readonly half?: HalfType | undefined;
}

/** Sizes of the memory of one layer. */
export interface MemoryShape {
  readonly B: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  /** Whether q and k are turned. */
  readonly phases: boolean;
  /** Gates per token and head: 0 for none, 1, or d. */
  readonly gateWidth: number;
  /**
   * What S, Z and caches of keys and values are kept in; absent: the backend's own float. They are read as float32, and rounded
   * once when they are written. Gates, phases and windows of power layers keep their digits.
   */
  readonly states?: HalfType | undefined;
}

/**
 * One kind of attention, with the two ways to read a sequence: all at once on a tape, or as a stream with a memory.
 * `powerRecurrence` and `softmaxRecurrence` make one.
 */
export interface Recurrence<M extends Memory = Memory, X extends State = State> {
  /** The name of its kind. */
  readonly kind: string;
  /** A whole sequence, differentiable through its initial and its final state. */
  sequence(tape: Tape, inputs: AttentionInputs, options?: SequenceOptions<X>): SequenceResult<X>;
  /** An empty memory, or one that goes on from where a saved one stood. */
  memory(backend: Backend, shape: MemoryShape, saved?: SavedMemory): M;
  /**
   * The next T ≥ 1 tokens of a stream: answers [B, T, H, e] and moves the memory on. Tapes that record are refused.
   *
   * @param lengths - tokens of each row, 0 to T; all T of every row where absent. What stands behind them is padding: it moves no
   * memory, and the answers there have no meaning. A row gets what it would get alone.
   */
  stream(tape: Tape, inputs: AttentionInputs, memory: M, lengths?: readonly number[]): Variable;
  /** Bytes of what a memory holds after `length` tokens, known before anything is allocated; softmax reserves up to twice as much. */
  memoryBytes(shape: MemoryShape, length: number): number;
}
