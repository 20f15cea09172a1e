// Reading a source that anybody may have written: what it answers ends up where it was asked to be, or is refused.
import { isThenable, typedArrayKind } from '@sympow/core';
import type { TokenSource } from './api';
import { DataError } from './errors';

/**
 * Tokens `from` … `to`−1 of a document, in `out`. A source should fill `out` and answer with it, at once or by a promise; one
 * that answers with an array of its own is copied from. Every reader of a source reads it by this.
 *
 * @returns `out`, or a promise of it where the source answers by anything that has a `then`
 * @throws DataError for an answer that is not one whole number for each token; an asynchronous source rejects with it
 */
export function readTokens(
  source: TokenSource,
  document: number,
  from: number,
  to: number,
  out: Int32Array,
): Int32Array | Promise<Int32Array> {
  const take = (answer: unknown) => {
    if (answer !== out) out.set(requireTokens(source, answer, to - from));
    return out;
  };
  const answer: unknown = source.read(document, from, to, out);
  return isThenable(answer) ? Promise.resolve(answer).then(take) : take(answer);
}

function requireTokens({ name }: TokenSource, answer: unknown, count: number): ArrayLike<number> {
  const isArray = Array.isArray(answer) || typedArrayKind(answer) !== undefined;
  if (isArray) {
    const tokens = answer as ArrayLike<number>;
    if (tokens.length === count && Array.prototype.every.call(tokens, Number.isSafeInteger)) return tokens;
  }
  throw new DataError({
    what: `answer of ${name}`,
    value: answer,
    message: `${name} answered a read with ${isArray ? 'other numbers than asked for' : String(answer)}`,
    expected: `\`out\`, filled, or an array of whole numbers, one for each of the ${count} tokens`,
  });
}
