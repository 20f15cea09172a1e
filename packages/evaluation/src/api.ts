/**
 * Types of this package. Losses are in nats per token; positions count the predictions of a stream from 0, so that the loss at
 * position t is that of a token with t + 1 tokens of the stream before it. No device and no file is named here.
 */

import type { Communicator } from '@sympow/core';
import type { SamplingOptions } from '@sympow/inference';

/** Options of `lossByPosition`. */
export interface LossByPositionOptions {
  /**
   * Tokens of each stream that are read at once. Results do not depend on it beyond rounding; time and memory do. By default 512,
   * or as many as keep the logits of a piece near 64 MiB, but at least 64. Multiples of 64 are fastest with power attention.
   */
  readonly piece?: number | undefined;
  /** End of the first bin; the next ends twice as far, and so on. A whole number of at least 1; 64 unless said otherwise. */
  readonly first?: number | undefined;
  /**
   * Positions where a bin has to end, such as the training context. A doubling edge that lies within a factor of √2 of one of
   * them, or of the length, is left out. Those beyond the length are ignored.
   */
  readonly edges?: readonly number[] | undefined;
  /** Mean bytes of text per token, for `bitsPerByte`: 1 where tokens are bytes. */
  readonly bytesPerToken?: number | undefined;
  /**
   * The processes that evaluate together, each with the same model, streams and options; one alone unless said otherwise. Groups of streams are
   * shared out among them whole, so what comes out is the same on all and does not depend on their number. Process 0 alone tells
   * of progress.
   */
  readonly communicator?: Communicator | undefined;
  /** Stops between two pieces. */
  readonly signal?: AbortSignal | undefined;
}

/** What `lossByPosition` tells while it works. The last event is the result. */
export type LossEvent = LossProgress | LossResult;

/** A piece has been read. */
export interface LossProgress {
  readonly type: 'progress';
  /** Predictions so far in each stream of the group that is being read, and how many it will have. */
  readonly position: number;
  readonly length: number;
  /** Streams that have been read to their end, and how many there are in all. */
  readonly streams: number;
  readonly totalStreams: number;
  /** Predictions over all streams so far. */
  readonly tokens: number;
  /** Mean of the losses so far. */
  readonly nats: number;
  readonly tokensPerSecond: number;
  /** Bytes that the model holds now to remember the streams of this group. */
  readonly memoryBytes: number;
}

/** The work is done. */
export interface LossResult {
  readonly type: 'result';
  readonly result: LossByPosition;
}

/**
 * How well a model predicts by how much it has read. Plain data: it can be written as JSON, where a loss that is not a finite
 * number becomes null.
 */
export interface LossByPosition {
  /** Predictions per stream. */
  readonly length: number;
  /** In order, without gaps, from 0 to `length`. */
  readonly bins: readonly LossBin[];
  /** What each stream gave, for differences between parts of it or between models. */
  readonly streams: readonly StreamLoss[];
  /** Different documents that the streams come from. */
  readonly documents: number;
  /** Predictions over all streams. */
  readonly tokens: number;
  /** Mean over all tokens. */
  readonly nats: number;
  /** Standard error of `nats`; see `LossBin.stderr`. */
  readonly stderr: number | null;
  /** "Best-context loss": the bin with the lowest mean; null where no bin has a finite one. */
  readonly best: LossBin | null;
  /** `nats` in bits per byte of text; null where `bytesPerToken` was not given. */
  readonly bitsPerByte: number | null;
  /** Memory of one stream that does not grow with what is read; 0 for softmax attention. */
  readonly stateBytes: number;
  /** Keys and values of one stream: what softmax attention held at the end, and for others what it would hold in this shape. */
  readonly cacheBytes: number;
  /** Time spent, without that of the reader of the events. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** How fast and in how much memory it was read, from the first piece on by doublings. */
  readonly pace: readonly Pace[];
}

/** How positions up to `to`, from those of the pace before it on, were read. */
export interface Pace {
  readonly to: number;
  /** Of all streams of a group together. */
  readonly tokensPerSecond: number;
  /** Bytes that the model held to remember one stream. */
  readonly memoryBytes: number;
}

/** Positions [from, to). */
export interface LossBin {
  readonly from: number;
  readonly to: number;
  /** Mean loss; NaN where there is no token or the model's numbers are not finite. */
  readonly nats: number;
  /** Standard error over documents, or over streams where all come from one; null for fewer than two. */
  readonly stderr: number | null;
  /** Tokens, over all streams. */
  readonly count: number;
}

/** One stream. */
export interface StreamLoss {
  /** Where it comes from: the document, and the position in it. */
  readonly document: number;
  readonly from: number;
  /** Mean loss in every bin; NaN where there is no token. */
  readonly nats: readonly number[];
  /** Tokens in every bin. */
  readonly counts: readonly number[];
}

/** A difference of mean losses over streams that are each compared with themselves. */
export interface Difference {
  readonly nats: number;
  /** Over documents as `LossBin.stderr`; null for fewer than two. */
  readonly stderr: number | null;
  /** Half the width of the 95 % interval; null where there is no standard error. */
  readonly halfWidth: number | null;
  /** `none` where the interval holds 0; `unknown` where there is none, or the numbers are not finite. */
  readonly verdict: 'higher' | 'lower' | 'none' | 'unknown';
}

/** A difference between two models at positions [from, to). */
export interface BinDifference extends Difference {
  readonly from: number;
  readonly to: number;
}

/** The mean of several evaluations of the same streams, such as those of models trained from several seeds. */
export interface AverageLoss extends LossByPosition {
  /** How many there are. */
  readonly runs: number;
  /** Of each bin: the standard deviation of its means over the runs; null for one run. */
  readonly spread: readonly (number | null)[];
}

/** What a model takes to read text, per token and sequence; floating-point operations of the forward pass. */
export interface ModelCosts {
  readonly parameters: number;
  /** Bytes of what it remembers of one stream at any length: states, phases, decoding windows. 0 with softmax attention. */
  readonly stateBytes: number;
  /** Keys and values of `context` tokens: what softmax attention remembers, and for others what it would in this shape. */
  readonly cacheBytes: number;
  /** Two operations for each weight of a matrix that a token is multiplied with; the lookup of its embedding is none. */
  readonly weightFlops: number;
  /**
   * Reading and updating what is remembered: 2·D·(e+1) to update the state of a key/value head and as much for each query; with
   * softmax 2·(d+e) for each query and each token before it, half of `context` on average.
   */
  readonly stateFlops: number;
  /** `weightFlops / stateFlops`; about 1 is argued to be best (arXiv 2507.04239). */
  readonly weightToState: number;
}

/** A model's losses under its name, for reports and charts. */
export interface Evaluation {
  readonly name: string;
  readonly loss: LossByPosition;
  /** Tokens that it was trained to read at once: where "inside" ends and "beyond" begins. */
  readonly context?: number | undefined;
}

/** Options of `lossReport`. */
export interface LossReportOptions {
  /** The heading; `Loss by position` unless said otherwise. */
  readonly title?: string | undefined;
}

/** Options of `recallAccuracy`. */
export interface RecallAccuracyOptions {
  /** As `LossByPositionOptions.piece`. */
  readonly piece?: number | undefined;
  /**
   * The processes that evaluate together, each with the same model, examples and options; one alone unless said otherwise. Groups of examples are
   * shared out among them whole, so what comes out is the same on all and does not depend on their number. Process 0 alone tells
   * of progress.
   */
  readonly communicator?: Communicator | undefined;
  /** Stops between two pieces. */
  readonly signal?: AbortSignal | undefined;
}

/** What `recallAccuracy` tells while it works. The last event is the result. */
export type RecallEvent = RecallProgress | RecallResult;

/** A group of examples has been read. */
export interface RecallProgress {
  readonly type: 'progress';
  readonly examples: number;
  readonly totalExamples: number;
  /** Of the answers so far. */
  readonly accuracy: number;
  readonly tokensPerSecond: number;
}

/** The work is done. */
export interface RecallResult {
  readonly type: 'result';
  readonly result: RecallAccuracy;
}

/** A share of right answers. */
export interface Accuracy {
  /** 0 to 1; NaN where there is no answer. */
  readonly accuracy: number;
  /** Standard error over examples; null for fewer than two. */
  readonly stderr: number | null;
  readonly answers: number;
}

/** Accuracy at distances [from, to) from where an answer was told to where it is asked for, in tokens. */
export interface DistanceAccuracy extends Accuracy {
  readonly from: number;
  readonly to: number;
}

/** Accuracy in the examples that share a condition, such as a number of pairs. */
export interface ConditionAccuracy extends Accuracy {
  readonly value: number;
}

/** How well a model finds what it was told. An answer is right if each of its tokens is the model's first choice. */
export interface RecallAccuracy extends Accuracy {
  readonly examples: number;
  /** Tokens of an example. */
  readonly length: number;
  /** Mean loss of the tokens of the answers, in nats. */
  readonly nats: number;
  /** By octaves of the distance; those without an answer are left out. */
  readonly byDistance: readonly DistanceAccuracy[];
  /** By what the task varies beside: `pairs`, `depth`. Of more than 16 values, eight equal ranges and the middle of each. */
  readonly byCondition: Readonly<Record<string, readonly ConditionAccuracy[]>>;
  /** Memory of one stream that does not grow with what is read; 0 for softmax attention. */
  readonly stateBytes: number;
  /** Keys and values of one stream: what softmax attention held at the end, and for others what it would hold in this shape. */
  readonly cacheBytes: number;
  readonly seconds: number;
  readonly tokensPerSecond: number;
}

/** What an evaluation tool asks: how likely a model finds a text after another. */
export interface LoglikelihoodRequest {
  /** May be empty; the `prefix` then stands for it. */
  readonly context: string;
  /** At least one token. */
  readonly continuation: string;
}

/** The answer to a {@link LoglikelihoodRequest}. */
export interface Loglikelihood {
  /** Σ log p over the tokens that were scored, in nats, each after all of the text before it. */
  readonly logProbability: number;
  /** Whether every one of them is the model's first choice. */
  readonly greedy: boolean;
  /** How many they are. */
  readonly tokens: number;
  /** Their text: the continuation, after the spaces that its context ended with or the letters that merged with it. */
  readonly scored: string;
}

/** How likely a model finds a whole text. */
export interface RollingLoglikelihood {
  /** Σ log p over all tokens, each after all of the text before it, in nats. */
  readonly logProbability: number;
  readonly tokens: number;
  /** UTF-8 bytes of the text, for bits per byte. */
  readonly bytes: number;
}

/** Options of the entry points for evaluation tools. */
export interface ScoringOptions {
  /** Tokens before the first of a text, at least one; the tokenizer's end of text unless said otherwise, or a line break. */
  readonly prefix?: readonly number[] | undefined;
  /** Texts that are read side by side; 8 unless said otherwise. */
  readonly batch?: number | undefined;
  /** As `LossByPositionOptions.piece`. */
  readonly piece?: number | undefined;
  /**
   * The processes that evaluate together, each with the same model, requests and options; one alone unless said otherwise. Batches are
   * shared out among them whole, so what comes out is the same on all and does not depend on their number. An error on one, or an
   * abort, ends all.
   */
  readonly communicator?: Communicator | undefined;
  /** Stops between two pieces. */
  readonly signal?: AbortSignal | undefined;
}

/** What an evaluation tool asks: a text that goes on after another. */
export interface GenerateUntilRequest {
  /** May be empty; the `prefix` then stands for it. */
  readonly context: string;
  /** Texts that end it; what is generated is cut before the one that is complete first. Empty texts end nothing. */
  readonly until?: readonly string[] | undefined;
  /** Most tokens; 256 unless said otherwise. */
  readonly maxTokens?: number | undefined;
}

/** Options of `generateUntil`. The most likely token is taken unless `temperature` says otherwise. */
export interface GenerateUntilOptions extends SamplingOptions {
  readonly prefix?: readonly number[] | undefined;
  /** Tokens that end a text as well, such as the end of text. */
  readonly stop?: readonly number[] | undefined;
  readonly seed?: number | undefined;
  /** As `ScoringOptions.communicator`; requests are shared out one by one. */
  readonly communicator?: Communicator | undefined;
  /** Stops between two tokens. */
  readonly signal?: AbortSignal | undefined;
}
