// Pre-tokenizers of a tokenizer.json: how a text is cut into words, each of which is encoded alone. They do what Hugging
// Face's do; white space is Unicode's, so that U+FEFF is none.
import { BYTE_CHARACTERS, charactersOf } from './byteLevel';
import { matchesOf, matchesOfExpression, matchesOfText, type Matches, type Translate } from './expressions';
import { stepsOf, type Fields } from './fields';

/**
 * Cuts a word into smaller ones, or changes it.
 *
 * @param first - whether the text begins with it
 */
export type PreTokenize = (word: string, first: boolean) => Iterable<string>;

/** Which parts of a word stand alone: the matches and what is between them, or both together. */
type Behavior = 'Isolated' | 'Removed' | 'Contiguous' | 'MergedWithPrevious' | 'MergedWithNext';

/** The words of GPT-2. */
export const GPT2_WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/u;

const SPACE = matchesOfExpression(/\p{White_Space}/u);
const PUNCTUATION = matchesOfExpression(/[\p{P}!-/:-@[-`{-~]/u);
const NUMBER = matchesOfExpression(/\p{N}/u);
const LETTERS = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`;
const WHITESPACE = matchesOfExpression(new RegExp(`[${LETTERS}]+|[^${LETTERS}\\p{White_Space}]+`, 'u'));

/** The pre-tokenizer of a tokenizer.json; undefined if a text is one word. */
export function preTokenizerOf(json: unknown, translate: Translate): PreTokenize | undefined {
  const steps = stepsOf(json, 'the pre-tokenizer', 'pretokenizers').flatMap((step) => stepsOfOne(step, translate));
  return steps.length === 0 ? undefined : steps.reduce(inTurn);
}

/** One after the other. */
export function inTurn(outer: PreTokenize, inner: PreTokenize): PreTokenize {
  return function* (text, first) {
    let begin = first;
    for (const word of outer(text, first)) {
      yield* inner(word, begin);
      begin = false;
    }
  };
}

function stepsOfOne(step: Fields, translate: Translate): PreTokenize[] {
  switch (step.type) {
    case 'ByteLevel':
      return byteLevelWords({
        space: step.flag('add_prefix_space', true),
        words: step.flag('use_regex', true),
      });
    case 'Split':
      return [cut(matchesOf(step, translate), behaviorOf(step), step.flag('invert', false))];
    case 'Metaspace':
      return metaspace(step);
    case 'Digits':
      return [cut(NUMBER, step.flag('individual_digits', false) ? 'Isolated' : 'Contiguous')];
    case 'Punctuation':
      return [cut(PUNCTUATION, behaviorOf(step))];
    case 'Whitespace':
      return [cut(WHITESPACE, 'Removed', true)];
    case 'WhitespaceSplit':
      return [cut(SPACE, 'Removed')];
    case 'BertPreTokenizer':
      return [cut(SPACE, 'Removed'), cut(PUNCTUATION, 'Isolated')];
    case 'CharDelimiterSplit':
      return [cut(matchesOfText(step.text('delimiter')), 'Removed')];
    case 'FixedLength':
      return [pieces(step.count('length', 5) || step.wrong('length', 'at least 1'))];
    default:
      return step.wrong('type', 'a pre-tokenizer that is known here');
  }
}

/** Bytes, each written as a character. */
export function byteLevelWords({ space, words }: { space: boolean; words: boolean }): PreTokenize[] {
  return [
    ...(space ? [(word: string) => [word.startsWith(' ') ? word : ` ${word}`]] : []),
    ...(words ? [cut(matchesOfExpression(GPT2_WORDS), 'Isolated')] : []),
    (word: string) => [inBytes(word)],
  ];
}

function inBytes(word: string): string {
  let text = '';
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    if (code >= 0x80) return charactersOf(new TextEncoder().encode(word));
    text += BYTE_CHARACTERS[code];
  }
  return text;
}

function metaspace(step: Fields): PreTokenize[] {
  const mark = step.text('replacement', '▁');
  if ([...mark].length !== 1) step.wrong('replacement', 'one character');
  const scheme = step.text('prepend_scheme', step.flag('add_prefix_space', true) ? 'always' : 'never');
  if (!['always', 'first', 'never'].includes(scheme)) step.wrong('prepend_scheme', 'always, first or never');
  const marked: PreTokenize = (word, first) => {
    const text = word.replaceAll(' ', mark);
    const prepends = !text.startsWith(mark) && (scheme === 'always' || (scheme === 'first' && first));
    return [prepends ? mark + text : text];
  };
  return step.flag('split', true) ? [marked, cut(matchesOfText(mark), 'MergedWithNext')] : [marked];
}

function pieces(length: number): PreTokenize {
  return function* (word) {
    const characters = [...word];
    for (let at = 0; at < characters.length; at += length) yield characters.slice(at, at + length).join('');
  };
}

function behaviorOf(step: Fields): Behavior {
  const behavior = step.text('behavior', 'Isolated');
  const known: readonly string[] = ['Isolated', 'Removed', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext'];
  return known.includes(behavior) ? (behavior as Behavior) : step.wrong('behavior', `one of ${known.join(', ')}`);
}

function cut(matches: Matches, behavior: Behavior, invert = false): PreTokenize {
  return function* (word) {
    // The part that is not given yet, as another may join it.
    let from = 0;
    let to = 0;
    let wasMatch = false;
    for (const [begin, end, isMatch] of partsOf(word, matches, invert)) {
      const joins =
        to > from &&
        ((behavior === 'Contiguous' && isMatch === wasMatch) ||
          (behavior === 'MergedWithPrevious' && isMatch && !wasMatch) ||
          (behavior === 'MergedWithNext' && !isMatch && wasMatch));
      if (!joins) {
        if (to > from) yield word.slice(from, to);
        from = begin;
      }
      to = end;
      wasMatch = isMatch;
      if (behavior === 'Removed' && isMatch) from = to;
    }
    if (to > from) yield word.slice(from, to);
  };
}

/** A word in matches and what lies between them. */
function* partsOf(word: string, matches: Matches, invert: boolean): Generator<[from: number, to: number, is: boolean]> {
  let at = 0;
  for (const [from, to] of matches(word)) {
    if (from > at) yield [at, from, invert];
    if (to > from) yield [from, to, !invert];
    at = to;
  }
  if (at < word.length) yield [at, word.length, invert];
}
