/**
 * Types of the gated rotary power recurrence. Letters: B batch, T time, H query heads, G key/value heads, d key size, e value
 * size, p power, D = C(d+p−1, p), C chunk length. Formulas: the README of this package.
 */

import type { Tape, Variable } from '@sympow/autograd';
import type { Backend, Normalizer, Tensor } from '@sympow/kernels';

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

/**
 * The state after a sequence, in its one public layout (version 1): lexicographic D, φ of unscaled keys, phases in turns
 * modulo 1. Its size does not depend on how much was read. What powers of keys it holds is those that a float32 does: see
 * "Range" in the README.
 */
export interface PowerState {
  /** [B, G, D, e] */
  readonly S: Variable;
  /** [B, G, D] */
  readonly Z: Variable;
  /** [B, G, d/2] turns; absent without phases. */
  readonly phase?: Variable | undefined;
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
export interface SequenceOptions {
  /** The state to start from; absent: empty. */
  readonly state?: PowerState | undefined;
  /** Whether the state after the last token is computed. Default `true`. */
  readonly finalState?: boolean;
}

/** What comes out of a sequence. */
export interface SequenceResult {
  /** [B, T, H, e] */
  readonly y: Variable;
  /** Absent with `finalState: false`. */
  readonly state?: PowerState | undefined;
}

/** Memory of a layer while it reads a stream: updated in place, never recorded on a tape. */
export interface Memory {
  /** Tokens read so far. */
  readonly position: number;
  /** Bytes held now. Constant for power layers, growing for softmax. */
  readonly bytes: number;
  /** The public state by name, window folded in, or the memory as it stands; it goes on unchanged. */
  save(options?: SaveOptions): Promise<SavedMemory>;
  dispose(): void;
}

/** How a memory is saved. */
export interface SaveOptions {
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

export interface SavedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
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
}

/**
 * One kind of attention, with the two ways to read a sequence: all at once on a tape, or as a stream with a memory.
 * `powerRecurrence` and `softmaxRecurrence` make one.
 */
export interface Recurrence<M extends Memory = Memory> {
  /** The name of its kind. */
  readonly kind: string;
  /** A whole sequence, differentiable through its initial and its final state. */
  sequence(tape: Tape, inputs: AttentionInputs, options?: SequenceOptions): SequenceResult;
  /** An empty memory, or one that goes on from where a saved one stood. */
  memory(backend: Backend, shape: MemoryShape, saved?: SavedMemory): M;
  /** The next T ≥ 1 tokens of a stream: answers [B, T, H, e] and moves the memory on. Tapes that record are refused. */
  stream(tape: Tape, inputs: AttentionInputs, memory: M): Variable;
  /** Bytes of what a memory holds after `length` tokens, known before anything is allocated; softmax reserves up to twice as much. */
  memoryBytes(shape: MemoryShape, length: number): number;
}
