// Whether a tokenizer ends a word before a line break between two letters, whatever stands around them: there long texts
// can be cut. Only what is known to is taken to.
import type { Fields } from './fields';
import { stepsOf } from './fields';
import { LOCAL_NORMALIZERS } from './normalizers';
import type { TokenizerFile } from './tokenizerFile';

const CONTRACTIONS = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const REST = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Expressions of well-known tokenizers whose words end there. */
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

/** Whether a text may be cut there. */
export function cutsAtLines({ json, added }: TokenizerFile): boolean {
  const normalizers = stepsOf(json['normalizer'], 'the normalizer', 'normalizers');
  const words = stepsOf(json['pre_tokenizer'], 'the pre-tokenizer', 'pretokenizers');
  return (
    normalizers.every(({ type }) => LOCAL_NORMALIZERS.has(type)) &&
    words.every((step) => endsWords(step) !== undefined) &&
    words.some(endsWords) &&
    added.every(({ content, lstrip, rstrip }) => !lstrip && !rstrip && !/\s/.test(content))
  );
}

/** Whether words end there; undefined where that is not known. */
function endsWords(step: Fields): boolean | undefined {
  switch (step.type) {
    case 'ByteLevel':
      return step.flag('add_prefix_space', true) ? undefined : step.flag('use_regex', true);
    case 'Digits':
      return false;
    case 'Whitespace':
    case 'WhitespaceSplit':
    case 'BertPreTokenizer':
      return true;
    case 'Split': {
      const pattern = step.fields('pattern');
      const source = pattern.value('Regex') ?? pattern.value('String');
      if (typeof source !== 'string' || step.flag('invert', false) || step.text('behavior', '') !== 'Isolated') {
        return undefined;
      }
      return LINES.has(source) ? true : ELSEWHERE.has(source) ? false : undefined;
    }
    default:
      return undefined;
  }
}
