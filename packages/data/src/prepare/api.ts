/**
 * Types of preparing: text becomes tokens in a file or a Zarr array, once, so that training does not encode it again.
 */
import type { Communicator } from '@sympow/core';
import type { Tokenizer } from '../api';

/** A text to prepare. */
export interface PrepareInput {
  readonly name: string;
  /** Bytes that it takes where it lies: for the share of the work that is done, and to notice when it is another one. */
  readonly size: number;
  /** The same text every time, in UTF-8. */
  read(): Promise<Uint8Array>;
}

/** What all kinds of output share. */
export interface PrepareOptions {
  /** Where the tokens go: a file that ends in `.bin` or a folder that ends in `.zarr`. Nothing may be there yet. */
  out: string;
  /** Bytes unless said otherwise. */
  tokenizer?: Tokenizer | undefined;
  /** Which part of every text: `[0, 0.9]` is all but its last tenth. All of it unless said otherwise. */
  part?: readonly [from: number, to: number] | undefined;
  /** For `.zarr`: how the array is written. */
  zarr?: PrepareZarrOptions | undefined;
  /** Tokens after which what was written is made certain, so that a killed run goes on from there; 4 Mi unless said otherwise. */
  certainEvery?: number | undefined;
  /**
   * The processes that prepare together, each with the same texts and options; default one alone. They share out whole texts to encode, and
   * the result is that of one. Process 0 alone writes, and tells events; the others tell `end`, the same.
   */
  communicator?: Communicator | undefined;
  /** Stops as soon as nothing is lost; the same call goes on from there. */
  signal?: AbortSignal | undefined;
}

/** How texts become documents of one length, and those an array. */
export interface PrepareZarrOptions {
  /** Version of the format, 2 or 3; 3 unless said otherwise. Version 3 has checksums, which find damage anywhere. */
  version?: 2 | 3 | undefined;
  /** Tokens of a document; 65,536 unless said otherwise. Texts are cut into such, and what is left at their end is dropped. */
  length?: number | undefined;
  /** Documents and tokens of a chunk; 2048 × 2048 unless said otherwise. */
  chunk?: readonly [documents: number, tokens: number] | undefined;
  /** `zstd` unless said otherwise. */
  compressor?: Compressor | undefined;
  /** Most documents; as many as the texts give unless said otherwise. */
  documents?: number | undefined;
  /**
   * Begins again with the first text, cut at other places, until there are `documents`. Such documents share text with
   * others, so they must not be split into training and held-out ones. No, unless said otherwise.
   */
  cycle?: boolean | undefined;
}

/** How chunks are compressed. */
export type Compressor = 'zstd' | 'blosc' | 'none';

/** What `prepare` tells: `progress` again and again, then `end`. */
export type PrepareEvent = PrepareProgress | PrepareEnd;

/** How far it has come. */
export interface PrepareProgress {
  readonly type: 'progress';
  /** Texts that are done, of all. More than all where they are gone through again. */
  readonly inputs: number;
  readonly totalInputs: number;
  readonly documents: number;
  /** Written so far, those of earlier runs included. */
  readonly tokens: number;
  /** Encoded per second by this run. */
  readonly tokensPerSecond: number;
  /** Share of the work, 0 to 1. */
  readonly done: number;
  /** Documents that were there when this run began. */
  readonly resumedAt: number;
}

/** All is written. */
export interface PrepareEnd {
  readonly type: 'end';
  readonly out: string;
  readonly documents: number;
  /** Tokens written. */
  readonly tokens: number;
  /** Tokens at the ends of texts that were too few for a document. */
  readonly dropped: number;
  readonly seconds: number;
}
