// Normalizers of a tokenizer.json: what becomes of a text before it is cut into words. Each does what Hugging Face's does;
// none may make much more of a text than it was.
import type { PrecompiledNormalizer } from '@huggingface/tokenizers';
import { charactersOf } from './byteLevel';
import { grownFrom, matchesOf, replaceAll, requireGrowth, type Translate } from './expressions';
import { stepsOf, type Fields } from './fields';

export type Normalize = (text: string) => string;

/** One step. `limit` is how long the text may become, where a step can exceed that by itself. */
type Step = (text: string, limit: number) => string;

/** What of the library the steps need. */
export interface NormalizerLibrary {
  readonly translate: Translate;
  readonly Precompiled: typeof PrecompiledNormalizer;
}

/** The normalizer of a tokenizer.json; undefined if it leaves text as it is. */
export function normalizerOf(json: unknown, library: NormalizerLibrary): Normalize | undefined {
  const steps = stepsOf(json, 'the normalizer', 'normalizers').map((step) => stepOf(step, library));
  if (steps.length === 0) return undefined;
  return (text) => {
    const limit = grownFrom(text.length);
    return steps.reduce((normal, step) => {
      const next = step(normal, limit);
      requireGrowth('the normalizer', next.length, limit);
      return next;
    }, text);
  };
}

/** The types that change single characters, whatever stands beside them, but for marks that join the letter before them. */
export const LOCAL_NORMALIZERS = new Set([
  ...['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'BertNormalizer', 'Precompiled'],
]);

function stepOf(step: Fields, library: NormalizerLibrary): Step {
  switch (step.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = step.type;
      return (text) => text.normalize(form);
    }
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '');
    case 'Strip':
      return strip(step.flag('strip_left', true), step.flag('strip_right', true));
    case 'Prepend': {
      const front = step.text('prepend');
      return (text) => (text === '' ? text : front + text);
    }
    case 'Replace':
      return replace(step, library.translate);
    case 'BertNormalizer':
      return bert(step);
    case 'ByteLevel':
      return (text) => charactersOf(new TextEncoder().encode(text));
    case 'Precompiled': {
      const precompiled = new library.Precompiled({ type: 'Precompiled', precompiled_charsmap: '' });
      return (text) => precompiled.normalize(text);
    }
    default:
      return step.wrong('type', 'a normalizer that is known here');
  }
}

/** Letter by letter: a sigma at the end of a word is like any other. */
function lowercase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase();
}

function strip(left: boolean, right: boolean): Step {
  const isSpace = (character: string | undefined) => character !== undefined && /\p{White_Space}/u.test(character);
  return (text) => {
    let from = 0;
    let to = text.length;
    if (left) while (from < to && isSpace(text[from])) from++;
    if (right) while (to > from && isSpace(text[to - 1])) to--;
    return text.slice(from, to);
  };
}

function replace(step: Fields, translate: Translate): Step {
  const matches = matchesOf(step, translate);
  const content = step.text('content', '');
  return (text, limit) => replaceAll(text, matches, content, limit, 'the normalizer');
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]/gu;
const HAN =
  /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

function bert(step: Fields): Step {
  const clean = step.flag('clean_text', true);
  const chinese = step.flag('handle_chinese_chars', true);
  const lower = step.flag('lowercase', true);
  const accents = step.flag('strip_accents', lower);
  return (text) => {
    let normal = text;
    if (clean) {
      const kept = normal.replace(CONTROL, (character) => ('\t\n\r'.includes(character) ? ' ' : ''));
      normal = kept.replace(/\p{White_Space}/gu, ' ');
    }
    if (chinese) normal = normal.replace(HAN, ' $& ');
    if (accents) normal = normal.normalize('NFD').replace(/\p{Mn}/gu, '');
    return lower ? lowercase(normal) : normal;
  };
}
