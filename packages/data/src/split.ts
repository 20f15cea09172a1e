// What is trained on and what is kept for evaluation. Both are sources of their own that cannot be read beyond their own
// tokens, so that nothing held out reaches a batch, as an input or as a target.
import { ConfigError, requireKnownKeys, requireWhole, type KnownKeys } from '@sympow/core';
import type { HeldOut, HeldOutOptions, TokenSource } from './api';
import { DataError } from './errors';
import { partsOf } from './source';

const known: KnownKeys<HeldOutOptions> = { fraction: true, by: true, seed: true };

/**
 * Splits a source in two. By `tail`, the last `fraction` of every document is held out, rounded to whole tokens: both
 * parts see every document. By `documents`, `fraction` of the documents that hold tokens is held out, rounded, but at
 * least one and never all: those whose names have the smallest hashes under the seed. That does not depend on the order of
 * the documents, and a document that is added moves one other at most.
 *
 * @throws ConfigError if the fraction is not between 0 and 1, `by` is neither, or an option is none of these
 * @throws DataError if either part would be empty
 *
 * @example
 * ```ts
 * const { train, heldOut: rest } = heldOut(textSource('0123456789'));
 * train.tokenCount; // 9
 * rest.tokenCount; // 1
 * ```
 */
export function heldOut(source: TokenSource, options: HeldOutOptions = {}): HeldOut {
  requireKnownKeys('heldOut', options, known);
  const { fraction = 0.1, by = 'tail', seed = 0 } = options;
  if (!(fraction > 0 && fraction < 1)) {
    throw new ConfigError({ what: 'fraction', value: fraction, expected: 'a number above 0 and below 1' });
  }
  const cut = cutBy(source, fraction, by, seed);
  const train = partsOf(source, `${source.name} (train)`, (document) => [0, cut(document)]);
  const rest = partsOf(source, `${source.name} (held out)`, (document) => [
    cut(document),
    source.documentLength(document),
  ]);
  for (const part of [train, rest]) {
    if (part.tokenCount === 0) {
      throw new DataError({
        what: part.name,
        value: 0,
        message: `${part.name} would hold none of the ${source.tokenCount} tokens`,
        expected: 'at least 1 on either side',
        remedy: 'Use another fraction or more text.',
      });
    }
  }
  return { train, heldOut: rest };
}

/** How many tokens of a document, from its beginning, are trained on. */
function cutBy(source: TokenSource, fraction: number, by: unknown, seed: number): (document: number) => number {
  switch (by) {
    case 'tail':
      return (document) => {
        const length = source.documentLength(document);
        return length - Math.round(length * fraction);
      };
    case 'documents': {
      const picked = pickDocuments(source, fraction, seed);
      return (document) => (picked[document] ? 0 : source.documentLength(document));
    }
    default:
      throw new ConfigError({ what: 'by', value: by, expected: '"tail" or "documents"' });
  }
}

/** 1 for each document that is held out. */
function pickDocuments(source: TokenSource, fraction: number, seed: number): Uint8Array {
  requireWhole('seed', seed, 0);
  const documents = Uint32Array.from({ length: source.documentCount }, (_, i) => i);
  const hashes = documents.map((document) => hashName(source.documentName(document), seed));
  // An empty document is on neither side: held out alone, it would leave nothing to evaluate.
  const order = documents.filter((document) => source.documentLength(document) > 0);
  const count = order.length;
  if (count < 2) {
    throw new DataError({
      what: `documents of ${source.name} that hold tokens`,
      value: count,
      expected: 'at least 2',
      remedy: "Hold out the end of every document instead: by: 'tail'.",
    });
  }
  // Equal names keep their order.
  order.sort((a, b) => hashes[a]! - hashes[b]! || a - b);
  const picked = new Uint8Array(documents.length);
  const share = Math.min(Math.max(Math.round(count * fraction), 1), count - 1);
  for (const document of order.subarray(0, share)) picked[document] = 1;
  return picked;
}

/** FNV-1a over `seed/name`, mixed by the finalizer of MurmurHash3, as FNV's upper bits hardly see the last letters. */
function hashName(name: string, seed: number): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${seed}/${name}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
