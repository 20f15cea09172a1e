/**
 * Types of the synthetic tasks. A {@link Task} makes sequences in which some tokens can be known only from what was read
 * before them, and says which. They are trained on like text and scored on their answers alone.
 *
 * Letters: B batch, T time (tokens per row), V vocabulary.
 */
import type { Random } from '@sympow/core';
import type { EvaluationStreams, StreamGroup, TokenSource, Tokenizer, TrainingBatchesOptions } from '../api';

/** A kind of made-up sequence. To add one: a file beside `tasks/recall.ts`, and a line in its index. */
export interface Task {
  /** What it is, for people and reports: `recall`, `passkey`. */
  readonly name: string;
  /** V: every id is below it. */
  readonly vocabSize: number;
  /**
   * One sequence of T + 1 tokens, a function of T and the random numbers alone.
   *
   * @param context - T, predictions in the sequence
   * @param random - where all randomness comes from
   * @throws ConfigError if T is too short for the options of the task; the message has the shortest
   */
  example(context: number, random: Random): TaskExample | Promise<TaskExample>;
}

/** A sequence with its questions. */
export interface TaskExample {
  /** [T + 1]. */
  readonly tokens: Int32Array;
  /** What is scored, in the order of the positions; at least one. */
  readonly answers: readonly TaskAnswer[];
  /** What results may be grouped by beside the distance: `pairs`, `depth`. The same keys in all examples of a task. */
  readonly conditions: Readonly<Record<string, number>>;
}

/** Tokens that are to be predicted. */
export interface TaskAnswer {
  /** Position of the input after which the answer begins, 0 … T−1. */
  readonly at: number;
  /** What should follow: tokens at + 1 … at + n of the example. The answer is right if all of them are. */
  readonly expected: Int32Array;
  /** How many tokens before the answer's first token the same token stands where it was told. */
  readonly distance: number;
}

/** Options of `taskBatches`. */
export interface TaskBatchesOptions extends TrainingBatchesOptions {
  /** Which tokens have a target: only the `answers` (the default), or `all`. */
  targets?: 'answers' | 'all' | undefined;
}

/** Options of `taskStreams`. */
export interface TaskStreamsOptions {
  /** T, at least 1. */
  length: number;
  /** How many examples, at least 1. */
  count: number;
  /** B, the most examples in a group; 1 unless said otherwise. */
  batch?: number | undefined;
  /** A whole number from 0 to 2⁵³−1; 0 unless said otherwise. Training never sees the same examples, at any seed. */
  seed?: number | undefined;
}

/** Examples for evaluation, to be read like other streams; targets are −1 outside of answers. */
export interface TaskStreams extends EvaluationStreams, AsyncIterable<TaskGroup> {
  [Symbol.asyncIterator](): AsyncIterator<TaskGroup>;
}

/** Examples that are read side by side. The document of a span is the number of the example. */
export interface TaskGroup extends StreamGroup {
  /** One for each row. */
  readonly examples: readonly TaskExample[];
}

/** What a task of text is made with; others need none of it. */
export interface TaskMaterial {
  /** Bytes unless said otherwise. */
  tokenizer?: Tokenizer | undefined;
  /** Where filler is read from; without it, a task has filler of its own. */
  filler?: TokenSource | undefined;
}
