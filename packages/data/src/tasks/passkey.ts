// Passkey retrieval: a number in one sentence somewhere in a long text that is not about it, and the question at the end.
//
// Mohtashami, Jaggi: "Landmark Attention: Random-Access Infinite Context Length for Transformers", 2023 (arXiv 2305.16300).
import { ConfigError, requireWhole, type Random } from '@sympow/core';
import type { TokenSource } from '../api';
import { DataError } from '../errors';
import { readTokens } from '../read';
import { byteTokenizer } from '../tokenizers/bytes';
import type { Task, TaskMaterial } from './api';
import { choices, pick, requireContext, wholeFrom, type Choice } from './draw';

/** Options of `passkey`. */
export interface PasskeyOptions {
  /** Where the sentence stands in the filler: 0 at its beginning, 1 at its end; anywhere unless said otherwise. */
  depths?: Choice | undefined;
  /**
   * Filler behind the answer, in tokens; none unless said otherwise. Models that are always asked at the end of equally long
   * texts may learn the length of the text.
   */
  after?: Choice | undefined;
  /** Digits of the number, 1 to 15; 5 unless said otherwise. */
  digits?: number | undefined;
}

const SENTENCE = (key: string) => ` The pass key is ${key}. Remember it.`;
const QUESTION = ' What is the pass key? The pass key is';

/** What stands around the sentence where no text is given. */
const FILLER = [
  ' The road goes up the hill.',
  ' Rain fell in the night.',
  ' Bread is on the table.',
  ' A bird sings in the tree.',
  ' The river is wide and slow.',
  ' Snow lies on the roofs.',
  ' Somebody closes a door.',
  ' The lamp is still lit.',
];

/**
 * Filler, `The pass key is 48213. Remember it.`, filler, and `What is the pass key? The pass key is`, to which the number is
 * the only answer, right if all of its tokens are. Filler is cut to length wherever that falls; it may go on behind the answer.
 *
 * Conditions: `depth`, from 0 to 1 as it came out.
 *
 * @param options - where the sentence stands and how long the number is
 * @param material - the tokenizer, and a source to read filler from: a place in it drawn for each example. Without a source,
 * filler is plain sentences in random order. A source must be of the same tokenizer
 * @throws ConfigError for an option out of range, or filler of another vocabulary
 *
 * @example
 * ```ts
 * const task = passkey({ depths: [0, 0.5, 1] }, { filler: textSource(text) });
 * ```
 */
export function passkey(
  { depths, after, digits = 5 }: PasskeyOptions = {},
  { tokenizer, filler }: TaskMaterial = {},
): Task {
  const chosen = depths === undefined ? undefined : choices('depths', depths, requireDepth);
  const afterChoices = after === undefined ? undefined : choices('after', after, wholeFrom(0));
  requireWhole('digits', digits, 1);
  if (digits > 15) throw new ConfigError({ what: 'digits', value: digits, expected: 'at most 15' });
  const { encode, vocabSize } = tokenizer ?? byteTokenizer();
  if (filler && filler.vocabSize > vocabSize) {
    const expected = `at most the ${vocabSize} of the tokenizer`;
    throw new ConfigError({ what: 'vocabSize of the filler', value: filler.vocabSize, expected });
  }
  const question = encode(QUESTION);
  const sentences = FILLER.map((sentence) => encode(sentence));

  return {
    name: 'passkey',
    vocabSize,
    async example(context, random) {
      const key = String(10 ** (digits - 1) + random.integer(9 * 10 ** (digits - 1)));
      const sentence = encode(SENTENCE(key));
      const answer = encode(` ${key}`);
      const behind = afterChoices ? pick(afterChoices, random) : 0;
      const end = context + 1 - behind;
      const room = end - sentence.length - question.length - answer.length;
      requireContext('passkey', context, context - Math.min(room, 0));
      const before = Math.round(room * (chosen ? pick(chosen, random) : random.uniform()));
      const make = (length: number) =>
        filler ? readFiller(filler, length, random) : makeFiller(sentences, length, random);
      const noise = await make(room);
      const tokens = new Int32Array(context + 1);
      tokens.set(noise.subarray(0, before));
      tokens.set(sentence, before);
      tokens.set(noise.subarray(before), before + sentence.length);
      tokens.set(question, end - answer.length - question.length);
      tokens.set(answer, end - answer.length);
      if (behind > 0) tokens.set(await make(behind), end);
      const told = before + indexOf(sentence, answer);
      const at = end - answer.length - 1;
      return {
        tokens,
        answers: [{ at, expected: tokens.subarray(at + 1, end), distance: at + 1 - told }],
        conditions: { depth: room === 0 ? 0 : before / room },
      };
    },
  };
}

function requireDepth(what: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new ConfigError({ what, value, expected: 'a number from 0 to 1' });
}

function makeFiller(sentences: readonly Int32Array[], length: number, random: Random): Int32Array {
  const filler = new Int32Array(length);
  for (let at = 0; at < length;) {
    const sentence = pick(sentences, random).subarray(0, length - at);
    filler.set(sentence, at);
    at += sentence.length;
  }
  return filler;
}

/** A stretch of a source from a place drawn evenly, going on in the documents after it. */
async function readFiller(source: TokenSource, length: number, random: Random): Promise<Int32Array> {
  const filler = new Int32Array(length);
  if (source.tokenCount === 0) throw new DataError({ what: source.name, value: 0, expected: 'filler to read' });
  let from = random.integer(source.tokenCount);
  let document = 0;
  while (from >= source.documentLength(document)) from -= source.documentLength(document++);
  for (let at = 0; at < length;) {
    const to = Math.min(source.documentLength(document), from + length - at);
    await readTokens(source, document, from, to, filler.subarray(at, at + to - from));
    at += to - from;
    from = 0;
    document = (document + 1) % source.documentCount;
  }
  return filler;
}

/** Where the answer's tokens stand in the sentence. */
function indexOf(sentence: Int32Array, answer: Int32Array): number {
  for (let at = 0; at + answer.length <= sentence.length; at++) {
    if (answer.every((id, i) => sentence[at + i] === id)) return at;
  }
  throw new DataError({
    what: 'tokenizer',
    value: [...answer],
    message: 'the tokenizer spells a number at the end of a text otherwise than within it',
    expected: 'one that splits text into words',
  });
}
