/**
 * What an entry of the catalogue says about its kernel. The door, the `js` backend, differentiated calls, the inputs of the
 * conformance suite and the README's table are made from it.
 *
 * A shape is written as in the doc comments: `B T G d`. A name stands for one size within a call, `[d]` for an axis that
 * may be missing, `…` for any number of leading axes (the same ones throughout a call), `*` for a shape that `rule` checks.
 * `D`, `n`, `half` and whole numbers are computed: C(d+p−1, p), ⌈T/chunk⌉, d/2. `T` is the option `length` where there is one.
 */

import type { Sizes } from '../sizes';
import type { Tensor } from '../tensor';
import type { OptionRule } from './options';

/** Axes by argument name; a trailing `?` marks optional tensors, `gates` stands for the two of {@link GateSums}. */
export type Axes = Readonly<Record<string, string>>;

/** Sum of gates from `gateSum`: `A` as two planes whose sum is the value, and where history begins. */
export interface GateSums {
  /** [2, …logGate.shape]: Σ log γ from the chunk's first token or the last reset, as float32 head plus tail. */
  readonly A: Tensor;
  /** [...logGate.shape] int32: the latest token m ≤ i whose gate is 0, or −1: token i sees nothing before it. */
  readonly start: Tensor;
}

/** Arguments of a call by name, before anybody knows what they are. */
export type Arguments = Record<string, unknown>;

/** What a kernel takes. Its comment is its line in the README's table; what it means stands beside it, see `definitions`. */
export interface Entry<Args> {
  readonly reads: Axes;
  /** Overwritten entirely unless the entry's comment says otherwise. */
  readonly writes: Axes;
  /** Arguments that are lists of tensors of any shape, all lists equally long and pairwise of one size. */
  readonly lists?: readonly string[];
  /** Those lists whose tensors are updated in place. */
  readonly updates?: readonly string[];
  /** int32 arguments; all others hold floats. */
  readonly integers?: readonly string[];
  /** Arguments of any element type. */
  readonly anyType?: readonly string[];
  /** Outputs that are written in part, each with the input that is moved there as it is, if one is. The rest of them stays. */
  readonly moves?: Readonly<Record<string, string | undefined>>;
  /** Gates, phases, statistics, losses, master weights and moments: what may not be kept in half precision. */
  readonly wide?: readonly string[];
  /** Arguments that are numbers, by what they must be; a trailing `?` marks optional ones. */
  readonly options?: Readonly<Record<string, OptionRule>>;
  /** Optional tensors of which either all are there or none. */
  readonly together?: readonly string[];
  /** What the axes cannot say. @throws ShapeError */
  rule?(args: Args, sizes: Sizes): void;
  /** How far a backend may be from the definition, in roundings, for all outputs or by name; see `@sympow/conformance`. */
  readonly roundings: number | Readonly<Record<string, number>>;
  /** What conformance needs beside the axes to make arguments. */
  readonly samples?: Samples;
}

/** How arguments of a kernel are made for its cases: normal numbers over odd sizes where nothing is said. */
export interface Samples {
  /** Values of each option; the first in all cases, the others in one case each. Defaults suit `power`, `chunk`, `eps`. */
  readonly options?: Readonly<Record<string, readonly unknown[]>>;
  /** int32 arguments hold whole numbers from 0 up to this axis, which they do not reach. */
  readonly below?: Readonly<Record<string, string>>;
  /** Numbers at which the formula may lose its footing: each fills the argument in a case of its own. */
  readonly special?: Readonly<Record<string, readonly number[]>>;
  /** Where terms of a known size cancel: the size below which an output is not expected to have correct digits. */
  readonly floor?: Readonly<Record<string, number>>;
}
