// Text that is at hand, as tokens.
import type { TextDocument, TextOptions, TokenSource } from '../api';
import { DataError } from '../errors';
import { tokenSource } from '../source';
import { byteTokenizer } from '../tokenizers/bytes';

/**
 * A source of texts. Only their tokens are kept; for a tokenizer of bytes those are the bytes that came in.
 *
 * @param text - one document, or several, whose order stays; empty ones are left out, which `notes` tells
 * @throws DataError if there is no text at all
 *
 * @example
 * ```ts
 * const source = textSource([
 *   { name: 'a', text: 'one text' },
 *   { name: 'b', text: 'another' },
 * ]);
 * source.tokenCount; // 15
 * ```
 */
export function textSource(
  text: string | Uint8Array | readonly TextDocument[],
  { tokenizer = byteTokenizer(), name = 'text', notes = [] }: TextOptions = {},
): TokenSource {
  const texts = typeof text === 'string' || ArrayBuffer.isView(text) ? [{ name, text }] : text;
  const documents = texts.map((document) => ({
    name: document.name,
    tokens: tokenizer.encodeBytes(
      typeof document.text === 'string' ? new TextEncoder().encode(document.text) : document.text,
    ),
  }));
  const full = documents.filter(({ tokens }) => tokens.length > 0);
  const empty = documents.filter(({ tokens }) => tokens.length === 0);
  if (full.length === 0) {
    throw new DataError({
      what: name,
      value: texts.length,
      message: `${name} holds no text (documents: ${texts.length})`,
      expected: 'at least one that is not empty',
      remedy: notes[0],
    });
  }
  return tokenSource(full, {
    name,
    vocabSize: tokenizer.vocabSize,
    tokenizer,
    notes: [...notes, ...empty.map((document) => `${document.name} was left out: it is empty`)],
  });
}
