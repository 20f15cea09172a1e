/** How a layer attends: what it remembers of a sequence and how it answers from that. */

import type { Tape, Variable } from '@sympow/autograd';
import type { Normalizer } from '@sympow/kernels';
import type { Form, Recurrence } from '../api';
import type { Gate } from '../gates';
import type { LayerSettings, LayerWeights, ParameterSpec } from '../layerEntry';

/** Settings of a layer that a kind may follow; a model's configuration has them all. */
export interface KindSettings {
  /** H */
  readonly heads: number;
  /** G */
  readonly keyValueHeads: number;
  /** d = e */
  readonly headSize: number;
  /** p */
  readonly power: number;
  readonly normalizer: Normalizer;
  /** W: tokens that a layer with a sliding window sees, the newest included. */
  readonly slidingWindow: number;
  readonly gate: Gate;
}

/** How a layer computes; changes no result up to rounding. */
export interface KindCompute {
  readonly form?: Form;
  /** C of the chunked form. */
  readonly chunk?: number;
}

/**
 * A kind of attention: one file says all about it, and a list holds those that come with the package. A kind of your own is
 * handed to `modelConfig` in place of a name, or one for each layer.
 */
export interface AttentionKind {
  /** How a configuration calls it. */
  readonly name: string;
  /** What it is, in a few words, for help texts and tables. */
  readonly says: string;
  /** Whether what a layer remembers grows with the stream. */
  readonly grows: boolean;
  /** Its weights in every layer, as those of gates and phases. Absent: none. */
  parameters?(settings: KindSettings & LayerSettings): Readonly<Record<string, ParameterSpec>>;
  /**
   * What its recurrence reads as `own` beside queries, keys, values, gates and phases. Absent: nothing.
   *
   * @param h - [B, T, hidden], the layer's normalised input
   */
  inputs?(
    tape: Tape,
    h: Variable,
    weight: LayerWeights,
    settings: KindSettings & LayerSettings,
  ): Readonly<Record<string, Variable>>;
  /** @throws ConfigError for settings that it cannot be made from */
  make(settings: KindSettings, compute?: KindCompute): Recurrence;
  /** Numbers in the largest tensor of one stream's state; 0 where the memory grows. */
  stateTensor(settings: KindSettings): number;
  /** Operations per token beyond the projections, on the average over a stream of `length` tokens. */
  streamFlops(settings: KindSettings, length: number): number;
  /** Operations per token of one forward pass over a sequence of `length` tokens, in the form that is taken there. */
  sequenceFlops(settings: KindSettings, length: number, compute?: KindCompute): number;
  /** Floats that a sequence of `length` tokens leaves on the tape beyond queries, keys, values and answers. */
  tapeFloats(settings: KindSettings, length: number, compute?: KindCompute): number;
}
