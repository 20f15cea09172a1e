// Where a tokenizer ends a word for certain, whatever stands around: before a line break, or a space, between two letters of
// ASCII. There long texts can be cut. Only what is known to end there is taken to.
import type { Fields } from './fields';
import { stepsOf } from './fields';
import { LOCAL_NORMALIZERS } from './normalizers';
import type { TokenizerFile } from './tokenizerFile';

const CONTRACTIONS = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const REST = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Expressions of well-known tokenizers whose words end before line breaks. */
const LINES = new Set([
  // GPT-2
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  // GPT-4, as transformers writes it
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`,
  // Llama 3, and Qwen
  String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|${REST}`,
  String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|${REST}`,
  // DeepSeek V3
  String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_` +
    '`' +
    String.raw`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
]);

/** Expressions that match neither letters of ASCII nor line breaks, so that they change nothing there. */
const ELSEWHERE = new Set([
  String.raw`\p{N}`,
  String.raw`\p{N}{1,3}`,
  '[一-龥\u3040-ゟ゠-ヿ]+',
  '[0-9][0-9][0-9]',
  ' ',
]);

/** Bytes before which a text may be cut. */
const [LINE, SPACE] = [0x0a, 0x20];

/** The byte before which a text may be cut where it stands between two letters; undefined if it may be nowhere. */
export function safeCut({ json, added }: Pick<TokenizerFile, 'json' | 'added'>): number | undefined {
  const normalizers = stepsOf(json['normalizer'], 'the normalizer', 'normalizers');
  const words = stepsOf(json['pre_tokenizer'], 'the pre-tokenizer', 'pretokenizers');
  if (!normalizers.every(isLocal)) return undefined;
  if (added.some(({ content, lstrip, rstrip }) => lstrip || rstrip || /\s/.test(content))) return undefined;
  return [LINE, SPACE].find((byte) => {
    let ended = false;
    for (const step of words) {
      const ends = endsWords(step, byte, ended);
      if (ends === undefined) return false;
      ended ||= ends;
    }
    return ended;
  });
}

/** Whether a normalizer leaves both sides of such a place what they would be alone. */
function isLocal(step: Fields): boolean {
  // T5's: it joins spaces.
  return (
    LOCAL_NORMALIZERS.has(step.type) ||
    (step.type === 'Replace' && step.fields('pattern').value('Regex') === ' {2,}' && step.value('content') === ' ')
  );
}

/**
 * Whether words end before a byte between two letters; undefined where that is not known.
 *
 * @param ended - whether a step before has ended them there
 */
function endsWords(step: Fields, byte: number, ended: boolean): boolean | undefined {
  const atLines = byte === LINE;
  switch (step.type) {
    case 'ByteLevel':
      return !atLines || step.flag('add_prefix_space', true) ? undefined : step.flag('use_regex', true);
    case 'Digits':
      return false;
    case 'Whitespace':
    case 'WhitespaceSplit':
    case 'BertPreTokenizer':
      return true;
    case 'Metaspace':
      // A word that begins with a space gets no other one in front; words that ended already are each for themselves.
      if (atLines) return ended && step.value('prepend_scheme') === 'always' ? true : undefined;
      return !ended && step.flag('split', true) && step.text('replacement', '▁') === '▁' ? true : undefined;
    case 'Split': {
      const pattern = step.fields('pattern');
      const source = pattern.value('Regex') ?? pattern.value('String');
      const isolated = step.text('behavior', '') === 'Isolated' && !step.flag('invert', false);
      if (!atLines || !isolated || typeof source !== 'string') return undefined;
      return LINES.has(source) ? true : ELSEWHERE.has(source) ? false : undefined;
    }
    default:
      return undefined;
  }
}
