/**
 * Types of this package. Text becomes tokens through a {@link Tokenizer}; tokens lie in documents of a
 * {@link TokenSource}; a source is split, and read as training batches or as evaluation streams. No tensors and no model
 * here, and nothing that only one runtime has.
 *
 * Letters: B batch, T time (tokens per row), V vocabulary. Arrays are flat and row-major.
 */

import type { HttpOptions } from '@sympow/storage';

/** Token ids as they are kept: the narrowest class that holds the vocabulary. Ids are 0 … V−1. */
export type TokenArray = Uint8Array | Uint16Array | Int32Array;

/**
 * Turns bytes into tokens and back. A text is encoded as a whole, however long it is. `decodeBytes(encodeBytes(x))` is x, for any bytes, with the tokenizers `bytes` and
 * `gpt2`; others may lose what they normalize.
 */
export interface Tokenizer {
  /** What it is, for people and reports: `bytes`, `gpt2`. */
  readonly name: string;
  /** V. */
  readonly vocabSize: number;
  /** The token that stands between texts, if there is one. It is never the encoding of a text. */
  readonly endOfText: number | undefined;
  /** The tokens of a text. Lone surrogates, which are not Unicode text, count as U+FFFD. */
  encode(text: string): Int32Array;
  /** The tokens of UTF-8 text, or of any other bytes. May share memory with `bytes`. */
  encodeBytes(bytes: Uint8Array): TokenArray;
  /**
   * The tokens of `encodeBytes`, some at a time, so that a long text does not block the process. Left out where that is
   * of no use.
   */
  encodeParts?(bytes: Uint8Array): Iterable<TokenArray>;
  /**
   * The text of tokens, with U+FFFD in place of what is not UTF-8.
   * @throws DataError for an id outside 0 … V−1
   */
  decode(ids: ArrayLike<number>): string;
  /**
   * The bytes of tokens.
   * @throws DataError for an id outside 0 … V−1
   */
  decodeBytes(ids: ArrayLike<number>): Uint8Array;
  /** For text that comes token by token. */
  decoder(): StreamingDecoder;
  /** The contents of `tokenizer.json` in a checkpoint; `tokenizerFromJSON` reads them. */
  toJSON(): TokenizerJSON;
}

/** Decodes one token at a time. What it has returned in all is what `decode` would return for all tokens at once. */
export interface StreamingDecoder {
  /**
   * The characters that this token completes; empty while a character's bytes are still to come.
   * @throws DataError for an id outside 0 … V−1
   */
  push(id: number): string;
  /** U+FFFD if a character was left incomplete, else nothing. The decoder then starts anew. */
  end(): string;
}

/** A tokenizer in the format of Hugging Face's `tokenizer.json`, whose other keys depend on the kind. */
export interface TokenizerJSON {
  readonly version: string;
  readonly model: { readonly type: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/**
 * Documents of tokens, each of which can be read anywhere. What is in memory answers at once; a file or a server may
 * answer later. Nothing is ever read across the end of a document.
 */
export interface TokenSource {
  /** What it is, for people and reports. */
  readonly name: string;
  /** V: every id is below it. */
  readonly vocabSize: number;
  /** Documents are numbered 0 … documentCount−1. */
  readonly documentCount: number;
  /** Tokens of all documents together. */
  readonly tokenCount: number;
  /** What people should know about it: files that were left out, and why; chunks that were skipped so far. */
  readonly notes: readonly string[];
  /** What its text was encoded with, where that is known. */
  readonly tokenizer?: Tokenizer | undefined;
  /** How it is stored, for people: `dtype`, `chunks`, `codecs`. */
  readonly details?: Readonly<Record<string, string>> | undefined;
  /** Whether its tokens are in memory, so that all of them can be gone through at little cost. */
  readonly inMemory?: boolean | undefined;
  /** How it lies in chunks, where reading a chunk costs much: batches are then drawn chunk by chunk. */
  readonly chunks?: ChunkLayout | undefined;
  /** The same on every machine, as the split by documents goes by it. Should be unique within the source. */
  documentName(document: number): string;
  /** Tokens in a document. */
  documentLength(document: number): number;
  /**
   * Tokens `from` … `to`−1 of a document.
   *
   * @param out - where they go, to − from ids; a new array where absent
   * @returns `out`; −1 stands for a token that cannot be read, in a source that was asked to skip such. Readers copy from an
   * array of the source's own, wait for anything with a `then`, and refuse any other answer.
   * @throws DataError if there is no such document or range, or `out` has another length; an asynchronous source rejects
   */
  read(document: number, from: number, to: number, out?: Int32Array): Int32Array | Promise<Int32Array>;
}

/** How documents lie in chunks: rows of documents by columns of tokens. */
export interface ChunkLayout {
  /** Tokens of a document that lie in one chunk. */
  readonly tokens: number;
  /** Documents with the same number share chunks. */
  rowOf(document: number): number;
}

/** Consecutive tokens of one document in a row of a batch. */
export interface Span {
  /** Row of the batch, 0 … B−1. */
  readonly row: number;
  /** Position in the row, 0 … T−1. */
  readonly at: number;
  /** Document of the source that the batch was made from. */
  readonly document: number;
  /** Position in that document. */
  readonly from: number;
  /** How many inputs. */
  readonly length: number;
}

/** Rows of tokens with what should be predicted after each. */
export interface Batch {
  /** B. */
  readonly batch: number;
  /** T. */
  readonly context: number;
  /** [B, T]. */
  readonly inputs: Int32Array;
  /** [B, T]: the token that follows each input in its document, or −1, to be ignored, where none does. */
  readonly targets: Int32Array;
  /**
   * [B, T]: 1 where a document begins that is not the first of its row, so that nothing before it may be seen; else 0.
   * Absent where rows hold one document each. A source has it in all of its batches or in none.
   */
  readonly resets?: Int32Array | undefined;
  /** Where the tokens come from, by row and position. */
  readonly spans: readonly Span[];
}

/** Where training batches have come to, as plain JSON. */
export interface Cursor {
  readonly version: 1;
  readonly seed: number;
  /** T. */
  readonly context: number;
  /** Rows drawn so far: batches times B, while B stays the same. */
  readonly row: number;
  /** Size of the source, to notice when it is another one. */
  readonly documents: number;
  readonly tokens: number;
  /** The order, where it is not `random`. */
  readonly order?: 'chunks' | undefined;
  /** Name of the task, where examples of one are drawn. */
  readonly task?: string | undefined;
}

/** Options of `trainingBatches`. */
export interface TrainingBatchesOptions {
  /** B, at least 1. */
  batch: number;
  /** T, at least 1; a row reads T + 1 tokens. */
  context: number;
  /** A whole number from 0 to 2⁵³−1; that of the cursor, or 0, unless said otherwise. */
  seed?: number | undefined;
  /** Goes on where this stood. */
  cursor?: Cursor | undefined;
  /** How rows are drawn: `chunks` for a source that lies in chunks, else `random`, unless said otherwise. */
  order?: 'random' | 'chunks' | undefined;
}

/** An endless sequence of random batches. */
export interface TrainingBatches {
  /** Whether rows may hold several documents: `resets` is then in every batch, and else in none. */
  readonly packed: boolean;
  /**
   * The next batch, in arrays of its own; at once if the source answers at once. Several may be under way.
   * @throws what the source throws, or rejects with it
   */
  next(): Batch | Promise<Batch>;
  /** Stands before the batch that `next` would begin now. */
  cursor(): Cursor;
  /** A hash by which what is drawn from is known again; batches without it are known by the first one drawn. */
  fingerprint?(): Promise<string>;
}

/** Options of `heldOut`. */
export interface HeldOutOptions {
  /** The share that is held out, above 0 and below 1; a tenth unless said otherwise. */
  fraction?: number | undefined;
  /** `tail` (the default) holds out the end of every document, `documents` holds out whole documents. */
  by?: 'tail' | 'documents' | undefined;
  /** Which documents: a whole number from 0 to 2⁵³−1; 0 unless said otherwise. `tail` needs none. */
  seed?: number | undefined;
}

/** The two parts of a source. Neither can be read beyond its own tokens. */
export interface HeldOut {
  readonly train: TokenSource;
  readonly heldOut: TokenSource;
}

/** Options of `evaluationStreams`. */
export interface EvaluationStreamsOptions {
  /** Predictions per stream, at least 1; a stream reads length + 1 tokens. */
  length: number;
  /** B, the most streams in a group; 1 unless said otherwise. */
  batch?: number | undefined;
  /** Take at most so many streams, evenly spread over all there are. */
  maximum?: number | undefined;
}

/** Long texts, to be read in groups of parallel streams, each group in pieces. Can be iterated any number of times. */
export interface EvaluationStreams extends AsyncIterable<StreamGroup> {
  /** Streams in all groups together. */
  readonly count: number;
  /** Predictions per stream. */
  readonly length: number;
}

/** Streams of equal length that are read side by side. */
export interface StreamGroup {
  /** B of this group; the last group may be smaller. */
  readonly batch: number;
  /** Predictions per stream. */
  readonly length: number;
  /** The whole of each stream, one span a row. */
  readonly spans: readonly Span[];
  /**
   * The streams from their beginning, piece by piece; only one piece is ever held. Each call begins anew.
   *
   * @param size - T of a piece, at least 1; the last piece may be shorter
   * @throws ConfigError if the size is not a whole number of at least 1
   */
  pieces(size: number): AsyncIterable<StreamPiece>;
}

/** The same stretch of every stream in a group. */
export interface StreamPiece extends Batch {
  /** Position of the first input in its stream. */
  readonly position: number;
}

/** A text and what it is called. */
export interface TextDocument {
  readonly name: string;
  /** A string, or UTF-8; bytes that are neither are fine for a tokenizer of bytes. */
  readonly text: string | Uint8Array;
}

/** Options of `textSource`. */
export interface TextOptions {
  /** Bytes unless said otherwise. */
  tokenizer?: Tokenizer | undefined;
  /** What the source is called; `text` unless said otherwise. */
  name?: string | undefined;
  /** Becomes the beginning of the source's `notes`. */
  notes?: readonly string[] | undefined;
}

/** Options of `textFiles`, `binFile`, `zarrArray` and `openDataset`. */
export interface DatasetOptions {
  /**
   * What text is encoded with: bytes unless said otherwise. For tokens, what they were encoded with, where the dataset does
   * not say it; where it does too, both must have the same name and vocabulary.
   */
  tokenizer?: Tokenizer | undefined;
  /**
   * What text is encoded in: `utf-16`, `latin1` or any other name that `TextDecoder` knows, for all files without a byte order
   * mark. `bytes` takes every file as it is, text or not. UTF-8 unless said otherwise; what is not is no text then.
   */
  encoding?: string | undefined;
  /** Takes only these files out of folders: `['.txt', 'md']`, in either case. All, unless said otherwise. */
  extensions?: readonly string[] | undefined;
  /** What a server is asked with. */
  http?: HttpOptions | undefined;
  /** Most bytes of what was read that are kept; 256 MiB unless said otherwise. */
  cacheBytes?: number | undefined;
  /** `skip` reads the tokens of a chunk that is damaged or missing as −1, which `notes` tells; `fail` (the default) throws. */
  damaged?: 'fail' | 'skip' | undefined;
}

/** A kind of dataset on disk or elsewhere. To add one: a file beside `datasets/textFiles.ts`, and a line in its index. */
export interface Dataset {
  readonly name: string;
  /** Whether a path or an address looks like one of this kind. */
  accepts(path: string): boolean | Promise<boolean>;
  /** @throws DataError if the paths do not hold what they should */
  open(paths: readonly string[], options: DatasetOptions): Promise<TokenSource>;
}
