// Long texts for evaluation: parallel streams of equal length, read piece by piece, so that memory does not depend on
// their length.
import { requireKnownKeys, requireWhole, type KnownKeys } from '@sympow/core';
import type { EvaluationStreams, EvaluationStreamsOptions, Span, StreamGroup, StreamPiece, TokenSource } from './api';
import { DataError } from './errors';
import { PrefixSums } from './prefixSums';
import { readBatch } from './rows';

const known: KnownKeys<EvaluationStreamsOptions> = { length: true, batch: true, maximum: true };

/**
 * Cuts every document, from its beginning, into streams of length + 1 tokens that do not overlap: the first stream of a
 * document begins where the document does, the others at a cut, and what is left over at its end is not used. So
 * position t of a stream has t tokens before it, and all streams have the same positions.
 *
 * @throws ConfigError if an option is not a whole number of at least 1
 * @throws DataError if no document has length + 1 tokens
 *
 * @example
 * ```ts
 * for await (const group of evaluationStreams(source, { length: 65536, batch: 8 })) {
 *   for await (const { inputs, targets, position } of group.pieces(1024)) {
 *     // [8, 1024] each; carry the state of the model from piece to piece, and start anew with the next group
 *   }
 * }
 * ```
 */
export function evaluationStreams(source: TokenSource, options: EvaluationStreamsOptions): EvaluationStreams {
  requireKnownKeys('evaluationStreams', options, known);
  const { length, batch = 1, maximum } = options;
  requireWhole('length', length, 1);
  requireWhole('batch', batch, 1);
  if (maximum !== undefined) requireWhole('maximum', maximum, 1);
  const streams = new PrefixSums(source.documentCount, (document) =>
    Math.floor(source.documentLength(document) / (length + 1)),
  );
  const available = streams.total;
  if (available === 0) throw tooShort(source, length);
  const count = Math.min(available, maximum ?? available);

  function spanOf(stream: number, row: number): Span {
    const chosen = Math.floor((stream * available) / count);
    const document = streams.find(chosen);
    return { row, at: 0, document, from: (chosen - streams.start(document)) * (length + 1), length };
  }

  return {
    count,
    length,
    async *[Symbol.asyncIterator]() {
      for (let first = 0; first < count; first += batch) {
        const rows = Math.min(batch, count - first);
        yield group(
          source,
          length,
          Array.from({ length: rows }, (_, row) => spanOf(first + row, row)),
        );
      }
    },
  };
}

function group(source: TokenSource, length: number, spans: readonly Span[]): StreamGroup {
  async function* pieces(size: number): AsyncGenerator<StreamPiece> {
    for (let position = 0; position < length; position += size) {
      const context = Math.min(size, length - position);
      const piece = spans.map((span) => ({ ...span, from: span.from + position, length: context }));
      yield { ...(await readBatch(source, piece, spans.length, context, false)), position };
    }
  }
  return {
    batch: spans.length,
    length,
    spans,
    pieces(size) {
      requireWhole('size of a piece', size, 1);
      return pieces(size);
    },
  };
}

function tooShort(source: TokenSource, length: number): DataError {
  let longest = 0;
  for (let document = 0; document < source.documentCount; document++) {
    longest = Math.max(longest, source.documentLength(document));
  }
  return new DataError({
    what: 'length of the streams',
    value: length,
    expected: `at most ${longest - 1}, as the longest document of ${source.name} holds ${longest} tokens`,
    remedy: 'Use shorter streams or longer documents.',
  });
}
