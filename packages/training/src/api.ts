/** Types of training: what a run is made of, and what it says while it goes on. */

import type { Communicator, HalfType } from '@sympow/core';
import type { TokenSource, TrainingBatches, TrainingBatchesOptions } from '@sympow/data';
import type { Model, Storage } from '@sympow/model';
import type { AdamWOptions } from './adamw';

/** Where batches come from: text in tokens, or anything that makes batches and can go on from a cursor. */
export type TrainingData = TokenSource | ((options: TrainingBatchesOptions) => TrainingBatches);

/** A run. What is marked “fixed” is stored in its checkpoints and must stay the same when the run goes on. */
export interface TrainingOptions extends AdamWOptions {
  /** Trained in place. Its configuration is fixed; backend, form and chunk length may change. */
  readonly model: Model;
  /** Fixed. A vocabulary of at most the model's. */
  readonly data: TrainingData;
  /** B: rows per update, at least 1; fixed. */
  readonly batch: number;
  /** T: tokens per row, at least 1; fixed. */
  readonly context: number;
  /** Updates in all, at least 1. May change: fewer end a run early, more go on at the lowest learning rate. */
  readonly steps: number;
  /** Pieces in which the rows of an update are computed, a divisor of `batch`; default 1. More take less memory. */
  readonly accumulate?: number;
  /**
   * In what gradients travel between processes, the same for all of them; default `float32`. `bfloat16` and `float16` take half the bytes:
   * what a process gives is rounded, and so is the sum. Losses travel as float32. One process alone rounds nothing.
   */
  readonly gradientFormat?: 'float32' | HalfType;
  /** Which rows are drawn: a whole number from 0 to 2⁵³−1, default 0; fixed. */
  readonly seed?: number;
  /** The highest learning rate; default 6e-4; fixed. */
  readonly learningRate?: number;
  /** Updates until it is reached; default a tenth of `decaySteps`, at most 2000; fixed. */
  readonly warmup?: number;
  /** The update with which the lowest learning rate is reached; default the `steps` that the run began with; fixed. */
  readonly decaySteps?: number;
  /** The lowest learning rate as a fraction of the highest, 0 to 1; default 0.1; fixed. */
  readonly floor?: number;
  /**
   * Weights that a schedule sets and no gradient moves, by their names below `self_attn.`, such as `mix` of mixed attention; fixed.
   * A number n stands for `{ mix: { steps: n } }`: from softmax to power attention in n updates.
   */
  readonly anneal?: number | Readonly<Record<string, Anneal>> | undefined;
  /**
   * The processes that train together, each with the same options, weights and folder of checkpoints; default one alone. Each computes
   * an equal part of the rows of a piece, of which there have to be a multiple of their number. The batch and all that is random are
   * those of one process. Process 0 alone saves and tells events; the others tell `end`, the same. Before the first update and before a
   * checkpoint is written, all compare checksums of their weights.
   */
  readonly communicator?: Communicator;
  readonly evaluation?: EvaluationOptions;
  readonly checkpoints?: CheckpointOptions;
  /** Once aborted, the update under way is finished, a checkpoint is saved, and the run ends as `stopped`. */
  readonly signal?: AbortSignal;
}

/** How a weight that no gradient moves goes from one value to another, the same in every layer and in a straight line. */
export interface Anneal {
  /** Before the first update; default 1. */
  readonly from?: number;
  /** After `steps` updates, and from there on; default 0. */
  readonly to?: number;
  /** At least 1. */
  readonly steps: number;
}

/** The loss on data that is not trained on, every so many updates and after the last one. */
export interface EvaluationOptions {
  readonly data: TokenSource;
  /** Updates from one evaluation to the next; default 100. */
  readonly every?: number;
  /** Most rows that are read, spread evenly over the data; default 64. */
  readonly rows?: number;
  /** Rows read at once; default those that a process trains on at once. Processes share out these groups of rows. */
  readonly batch?: number;
  /** Tokens per row; default that of training. */
  readonly context?: number;
}

/** Saving a run, and going on with it. */
export interface CheckpointOptions {
  /** The folder of the run. Checkpoints are in `checkpoints/step-…` below it. */
  readonly storage: Storage;
  /** Updates from one checkpoint to the next; default 500. The last update and an abort are always saved. */
  readonly every?: number;
  /** How many of the newest checkpoints stay; default 2. */
  readonly keep?: number;
  /** Files that every checkpoint gets as well, such as `tokenizer.json`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /**
   * `true` (the default) goes on from the newest checkpoint if the folder has one; `false` refuses a folder that has one.
   */
  readonly resume?: boolean;
}

/** What a run says, in this order: `start`, then for each update `step` and what is due after it, then `end`. */
export type TrainingEvent = StartEvent | StepEvent | EvaluationEvent | CheckpointEvent | EndEvent;

/** The run begins, or goes on. */
export interface StartEvent {
  readonly type: 'start';
  /** Updates done already; 0 unless the run goes on from a checkpoint. */
  readonly step: number;
  readonly steps: number;
  /** The checkpoint that the run goes on from. */
  readonly resumedFrom: string | undefined;
  /**
   * What people should know about a run that goes on: another backend, form, chunk length or number of pieces than before, as
   * weights then differ by rounding; data that were not known by their content yet.
   */
  readonly notes: readonly string[];
  readonly backend: string;
  readonly parameters: number;
  readonly tokensPerStep: number;
  /** What an update takes in memory: an estimate, good to about a third. */
  readonly memoryBytes: number;
}

/** An update has been made. */
export interface StepEvent {
  readonly type: 'step';
  /** Updates done, this one included. */
  readonly step: number;
  readonly steps: number;
  /** Mean cross-entropy in nats per target, before this update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Of late. */
  readonly tokensPerSecond: number;
  /** Until the last update, without evaluations and checkpoints. */
  readonly secondsLeft: number;
}

/** The data that are not trained on have been read. */
export interface EvaluationEvent {
  readonly type: 'evaluation';
  readonly step: number;
  /** Mean cross-entropy in nats per target. */
  readonly loss: number;
}

/** A checkpoint has been written. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly path: string;
}

/** The run is over: after its last update, or after the one during which its signal came. */
export interface EndEvent extends TrainingResult {
  readonly type: 'end';
}

/** How a run ended. */
export interface TrainingResult {
  /** Updates done. */
  readonly step: number;
  readonly steps: number;
  /** Whether the signal came before the last update. */
  readonly stopped: boolean;
  /** Loss of the last update; nothing if there was none to do. */
  readonly loss: number | undefined;
  /** Path of the newest checkpoint. */
  readonly checkpoint: string | undefined;
}
