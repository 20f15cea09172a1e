// From spans of documents to the arrays of a batch. Inputs and targets are the same tokens, one apart, and read once.
import type { Batch, Span, TokenSource } from './api';
import { readTokens } from './read';

/**
 * Reads a batch. The spans of a row stand one after another and fill it; all but the last end with their document.
 *
 * @param packed - whether to make `resets`
 * @returns the batch, or a promise of it if any of the reads is one
 */
export function readBatch(
  source: TokenSource,
  spans: readonly Span[],
  batch: number,
  context: number,
  packed: boolean,
): Batch | Promise<Batch> {
  // Each row with the token after it.
  const tokens = new Int32Array(batch * (context + 1));
  const reads: Promise<Int32Array>[] = [];
  for (const { row, at, document, from, length } of spans) {
    const count = Math.min(length + 1, source.documentLength(document) - from);
    const begin = row * (context + 1) + at;
    const read = readTokens(source, document, from, from + count, tokens.subarray(begin, begin + count));
    if ('then' in read) reads.push(read);
  }
  const build = () => shift(source, tokens, spans, batch, context, packed);
  return reads.length === 0 ? build() : Promise.all(reads).then(build);
}

function shift(
  source: TokenSource,
  tokens: Int32Array,
  spans: readonly Span[],
  batch: number,
  context: number,
  packed: boolean,
): Batch {
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context).fill(-1);
  const resets = packed ? new Int32Array(batch * context) : undefined;
  for (const { row, at, document, from, length } of spans) {
    const begin = row * (context + 1) + at;
    const target = row * context + at;
    const predicted = Math.min(length, source.documentLength(document) - from - 1);
    inputs.set(tokens.subarray(begin, begin + length), target);
    // What could not be read is no target; as an input it has to be some token.
    for (let i = target; i < target + length; i++) if (inputs[i]! < 0) inputs[i] = 0;
    targets.set(tokens.subarray(begin + 1, begin + 1 + predicted), target);
    if (resets && at > 0) resets[target] = 1;
  }
  return { batch, context, inputs, targets, resets, spans };
}
