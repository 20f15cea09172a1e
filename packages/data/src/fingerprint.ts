// By what a source is known again: a hash of its tokens, or of a sample of them where there are too many to read all.
import { breathing, ContentHash, Random } from '@sympow/core';
import type { TokenSource } from './api';
import { PrefixSums } from './prefixSums';
import { readTokens } from './read';

/** Sources of up to so many tokens are hashed whole, wherever they lie. */
const WHOLE = 2 ** 24;
/** Tokens that are read at once. */
const PIECE = 2 ** 18;
/** Tokens of one sample. */
const SAMPLE = 4096;
/** Samples of a source; fewer where each takes a chunk to be read and decoded. */
const SAMPLES = 64;
const CHUNKS = 8;

/**
 * A hash by which a source is known again: of the length of every document and of the tokens in their order, wherever and in
 * whichever format they lie. All tokens count where the source holds them in memory or has at most 2²⁴; of others, 64 samples of
 * 4,096 tokens, or 8 of sources in chunks, at places that depend on the lengths alone. So a change of a large dataset on disk or
 * on a server is found when it changes a length or touches a sample.
 *
 * @returns 32 hexadecimal digits
 * @throws what the source throws, or rejects with it
 *
 * @example
 * ```ts
 * const before = await fingerprint(textSource('to be or not to be'));
 * before === (await fingerprint(textSource('to be or not to me'))); // false
 * ```
 */
export async function fingerprint(source: TokenSource): Promise<string> {
  const { documentCount, tokenCount, inMemory = false } = source;
  const hash = new ContentHash();
  const breathe = breathing();
  for (let first = 0; first < documentCount; first += PIECE) {
    const count = Math.min(PIECE, documentCount - first);
    hash.update(Float64Array.from({ length: count }, (_, i) => source.documentLength(first + i)));
    await breathe();
  }
  const Ids = source.vocabSize <= 2 ** 8 ? Uint8Array : source.vocabSize <= 2 ** 16 ? Uint16Array : Int32Array;
  const add = async (into: ContentHash, document: number, from: number, to: number) => {
    const read = readTokens(source, document, from, to, new Int32Array(to - from));
    into.update(Ids.from('then' in read ? await read : read));
    await breathe();
  };
  if (inMemory || tokenCount <= WHOLE) {
    for (const documents of sharingChunks(source)) {
      const hashes = documents.map(() => new ContentHash());
      // Columns of chunks one after another, so that each chunk is read once. As below, they begin behind the first token.
      const step = Math.min(source.chunks?.tokens ?? PIECE, PIECE);
      const longest = Math.max(...documents.map((document) => source.documentLength(document)));
      for (let from = 0, to = step + 1; from < longest; [from, to] = [to, to + step]) {
        for (const [i, document] of documents.entries()) {
          const length = source.documentLength(document);
          if (from < length) await add(hashes[i]!, document, from, Math.min(to, length));
        }
      }
      for (const own of hashes) hash.update(new TextEncoder().encode(own.digest()));
    }
  } else {
    for (const sample of samplesOf(source)) await add(hash, ...sample);
  }
  return hash.digest();
}

/** Documents in their order, those together that lie in the same chunks. */
function* sharingChunks({ documentCount, chunks }: TokenSource): Generator<number[]> {
  const rowOf = (document: number) => chunks?.rowOf(document) ?? document;
  for (let document = 0; document < documentCount;) {
    const group = [document++];
    while (document < documentCount && rowOf(document) === rowOf(group[0]!)) group.push(document++);
    yield group;
  }
}

function* samplesOf(source: TokenSource): Generator<readonly [document: number, from: number, to: number]> {
  const { documentCount, tokenCount, chunks } = source;
  const documents = new PrefixSums(documentCount, (document) => source.documentLength(document));
  const random = new Random(0, 'fingerprint');
  for (let i = 0; i < (chunks ? CHUNKS : SAMPLES); i++) {
    const place = random.integer(tokenCount);
    const document = documents.find(place);
    const inside = place - documents.start(document);
    // In a chunk from its second token on: the first token of a document may be the end-of-text token, which lies in none.
    const from = chunks ? Math.floor(inside / chunks.tokens) * chunks.tokens + 1 : inside;
    const length = chunks ? Math.min(SAMPLE, chunks.tokens - 1) : SAMPLE;
    const end = source.documentLength(document);
    yield [document, Math.min(from, end), Math.min(from + length, end)];
  }
}
