// Sources made from what is at hand: arrays in memory, and parts of other sources.
import { isTypedArray, requireWhole } from '@sympow/core';
import type { ChunkLayout, TokenArray, Tokenizer, TokenSource } from './api';
import { DataError } from './errors';
import { PrefixSums } from './prefixSums';
import { readTokens } from './read';
import { sameTokenizer } from './tokenizers/sameTokenizer';

/** Tokens of one document and what it is called. */
export interface TokenDocument {
  readonly name: string;
  readonly tokens: TokenArray;
}

/** What there is to say about a source beside its documents. */
export interface TokenSourceOptions {
  /** V. */
  vocabSize: number;
  /** `tokens` unless said otherwise. */
  name?: string | undefined;
  notes?: readonly string[] | undefined;
  /** What the tokens were encoded with. */
  tokenizer?: Tokenizer | undefined;
}

/**
 * A source of documents that are in memory. The arrays are kept, not copied.
 *
 * @throws DataError if a document is not a name with a typed array of tokens, or a token is not in 0 … V−1
 * @throws ConfigError if V is not a whole number of at least 1
 *
 * @example
 * ```ts
 * const source = tokenSource([{ name: 'count', tokens: Uint8Array.of(0, 1, 2, 3) }], { vocabSize: 4 });
 * source.read(0, 1, 3); // Int32Array [1, 2]
 * ```
 */
export function tokenSource(
  documents: readonly TokenDocument[],
  { vocabSize, name = 'tokens', notes = [], tokenizer }: TokenSourceOptions,
): TokenSource {
  requireWhole('vocabSize', vocabSize, 1);
  for (const document of documents) requireIds(document, vocabSize);
  const source: TokenSource = {
    name,
    vocabSize,
    tokenizer,
    inMemory: true,
    documentCount: documents.length,
    tokenCount: documents.reduce((sum, { tokens }) => sum + tokens.length, 0),
    notes,
    documentName: (document) => documents[document]!.name,
    documentLength: (document) => documents[document]!.tokens.length,
    read(document, from, to, out) {
      const target = readTarget(source, document, from, to, out);
      target.set(documents[document]!.tokens.subarray(from, to));
      return target;
    },
  };
  return source;
}

/**
 * A part of every document of a source, as a source of its own that reads no token outside of the parts. Documents of
 * which nothing is left are dropped, the others keep their order.
 *
 * @param partOf - [from, to] for each document; asked again whenever a part is read
 */
export function partsOf(
  source: TokenSource,
  name: string,
  partOf: (document: number) => readonly [from: number, to: number],
): TokenSource {
  const lengthOf = (document: number) => {
    const [from, to] = partOf(document);
    return to - from;
  };
  const { chunks } = source;
  const kept = new Int32Array(source.documentCount);
  let documentCount = 0;
  let tokenCount = 0;
  for (let document = 0; document < source.documentCount; document++) {
    const length = lengthOf(document);
    tokenCount += length;
    if (length > 0) kept[documentCount++] = document;
  }
  const parts: TokenSource = {
    name,
    vocabSize: source.vocabSize,
    tokenizer: source.tokenizer,
    details: source.details,
    inMemory: source.inMemory,
    documentCount,
    tokenCount,
    get notes() {
      return source.notes;
    },
    chunks: chunks && { tokens: chunks.tokens, rowOf: (document) => chunks.rowOf(kept[document]!) },
    documentName: (document) => source.documentName(kept[document]!),
    documentLength: (document) => lengthOf(kept[document]!),
    read(document, from, to, out) {
      const target = readTarget(parts, document, from, to, out);
      const [begin] = partOf(kept[document]!);
      return readTokens(source, kept[document]!, begin + from, begin + to, target);
    },
  };
  return parts;
}

/**
 * Several sources as one, their documents one after another.
 *
 * @throws DataError if their tokenizers differ, or there is none
 */
export function joinSources(sources: readonly TokenSource[]): TokenSource {
  const [first] = sources;
  if (first && sources.length === 1) return first;
  const differing = sources.find(({ vocabSize, tokenizer }) => {
    return vocabSize !== first!.vocabSize || !sameTokenizer(tokenizer, first!.tokenizer);
  });
  if (!first || differing) {
    throw new DataError({
      what: 'sources',
      value: sources.map(({ name }) => name),
      expected: 'at least one, all of the same tokenizer',
    });
  }
  const documents = new PrefixSums(sources.length, (i) => sources[i]!.documentCount);
  const find = (document: number) => {
    const i = documents.find(document);
    return { i, source: sources[i]!, inner: document - documents.start(i) };
  };
  const { vocabSize, tokenizer, details } = first;
  const joined: TokenSource = {
    name: sources.length > 2 ? `${sources.length} datasets` : sources.map(({ name }) => name).join(' and '),
    vocabSize,
    tokenizer,
    details,
    inMemory: sources.every(({ inMemory }) => inMemory),
    documentCount: documents.total,
    tokenCount: sources.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
    get notes() {
      return sources.flatMap(({ notes }) => notes);
    },
    chunks: joinChunks(sources, find),
    documentName(document) {
      const { source, inner } = find(document);
      return `${source.name}/${source.documentName(inner)}`;
    },
    documentLength(document) {
      const { source, inner } = find(document);
      return source.documentLength(inner);
    },
    read(document, from, to, out) {
      const target = readTarget(joined, document, from, to, out);
      const { source, inner } = find(document);
      return readTokens(source, inner, from, to, target);
    },
  };
  return joined;
}

/** Rows of chunks of different sources have different numbers. */
function joinChunks(
  sources: readonly TokenSource[],
  find: (document: number) => { i: number; source: TokenSource; inner: number },
): ChunkLayout | undefined {
  if (sources.some(({ chunks }) => !chunks)) return undefined;
  const largest = Math.max(...sources.map(({ documentCount }) => documentCount));
  return {
    tokens: Math.max(...sources.map(({ chunks }) => chunks!.tokens)),
    rowOf(document) {
      const { i, source, inner } = find(document);
      return i * largest + source.chunks!.rowOf(inner);
    },
  };
}

/**
 * What every `read` begins with: checks the range and `out`, and makes `out` where it is absent.
 *
 * @throws DataError as {@link TokenSource.read}
 */
export function readTarget(
  source: TokenSource,
  document: number,
  from: number,
  to: number,
  out: Int32Array | undefined,
): Int32Array {
  if (!(Number.isInteger(document) && document >= 0 && document < source.documentCount)) {
    const expected = `a whole number below the ${source.documentCount} documents of ${source.name}`;
    throw new DataError({ what: 'document', value: document, expected });
  }
  const length = source.documentLength(document);
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= length)) {
    const expected = `positions in order within the ${length} tokens of "${source.documentName(document)}"`;
    throw new DataError({ what: 'range of tokens', value: [from, to], expected });
  }
  if (out === undefined) return new Int32Array(to - from);
  if (out.length !== to - from) {
    throw new DataError({ what: 'length of out', value: out.length, expected: `${to - from}, one for each token` });
  }
  return out;
}

function requireIds(document: TokenDocument, vocabSize: number): void {
  const { name, tokens } = (document ?? {}) as Partial<TokenDocument>;
  if (typeof name !== 'string' || !ArrayBuffer.isView(tokens) || !('subarray' in tokens)) {
    throw new DataError({
      what: 'a document',
      value: document,
      expected: 'a name and a typed array of tokens, as in { name, tokens }',
    });
  }
  if (isTypedArray(tokens, 'Uint8Array') && vocabSize >= 256) return;
  const at = tokens.findIndex((id) => id < 0 || id >= vocabSize);
  if (at >= 0) {
    const expected = `at least 0 and below the vocabulary of ${vocabSize}`;
    throw new DataError({ what: `token ${at} of "${name}"`, value: tokens[at], expected });
  }
}
