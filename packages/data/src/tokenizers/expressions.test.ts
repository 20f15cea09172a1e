import { describe, expect, it } from 'vitest';
import { huggingFaceTokenizer } from './huggingFace';
import { expressionCost } from './expressionCost';
import { matchesOfExpression } from './expressions';
import { tokenizerJSON } from './fixtures.cases';

const withExpression = (Regex: string) =>
  huggingFaceTokenizer({
    ...tokenizerJSON('qwen'),
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      ],
    },
  });

/** Of well-known tokenizers, as their tokenizer.json has them. */
const known = {
  'GPT-2': String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  'GPT-4': String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`,
  'GPT-4o': String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'Llama 3': String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'Qwen 2': String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'Qwen 3.5': String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'DeepSeek V3': String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'DeepSeek V3, Han': '[一-龥\u3040-ゟ゠-ヿ]+',
  'DeepSeek LLM, letters': String.raw`\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-Ⴥ]+`,
  'DeepSeek LLM, signs': String.raw`\s?[!-/:-~！-／：-～‘-‟　-。]+`,
  'DeepSeek LLM, space': String.raw`\s+$`,
  'BLOOM': String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`,
  'CLIP': String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  'Falcon': '[0-9][0-9][0-9]',
  'T5': ' {2,}',
  'Kimi K2': String.raw`[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'digits from the right': String.raw`\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))`,
}; // prettier-ignore

describe('expressions of a tokenizer.json', () => {
  it.each(Object.entries(known))('are taken as %s has them', async (_, expression) => {
    const { encode, decode } = await withExpression(expression);
    const text = "It's 12345 words,\n\n  and DON'T 漢字かな… \tend  ";
    expect(decode(encode(text))).toBe(text);
  });

  it.each([
    ['loops in loops', '(a+)+$'],
    ['two ways in a loop', '(?:a|a)*b'],
    ['ways of several lengths in a loop', '(?:a|ab)+c'],
    ['a loop of nothing', '(a*)*b'],
    ['a counted loop of ways', '(?:a?){40}a{40}'],
    ['many that may be left out', `${'a?'.repeat(30)}${'a'.repeat(30)}`],
    ['many of two ways', '(?:a|a)'.repeat(20)],
    ['loops after each other', 'a*a*a*b'],
    ['loops of several characters after each other', String.raw`\w+\d+\w+x`],
    ['counted loops in counted loops', '(?:(?:a{1,30}){1,30}){1,30}'],
    ['counted loops after each other', 'a{1,1000}a{1,1000}b'],
    ['a long counted loop', 'a{100000}'],
    ['loops in loops ahead', '(?=(?:a+)+b)a'],
    ['a loop ahead in a loop', '(?:(?=a*b)a)*c'],
    ['a reference', String.raw`(a)\1`],
    ['deep groups', `${'('.repeat(100)}a${')'.repeat(100)}`],
    ['a long one', 'a'.repeat(10_000)],
    ['a group without an end', '('],
    ['a class without an end', '['],
    ['a loop of what is not there', '*'],
  ])('are refused if they could take for ever, or are none: %s', async (_, expression) => {
    await expect(withExpression(expression)).rejects.toMatchObject({ code: 'DATA' });
  });

  it.each(['a+a+', 'a*a+', ' ?[^a]+[a]*', '(?:ab)+', '(?:abc|d)?e+', 'a+(?!b)'])(
    'are taken if they cannot: %s',
    (of) => {
      expect(expressionCost(of)).not.toHaveProperty('refused');
    },
  );

  it('match as JavaScript finds matches', () => {
    const text = 'aa  b\u{1F600}aab   ';
    for (const source of ['a+', String.raw`\s+(?!\S)`, 'a*', 'x', '.', String.raw`\s+$`, '']) {
      const expected = [...text.matchAll(new RegExp(source, 'gu'))].map((m) => [m.index, m.index + m[0].length]);
      expect([...matchesOfExpression(new RegExp(source, 'u'))(text)], source).toEqual(expected);
      expect([...matchesOfExpression(new RegExp(source, 'u'), 'it')(text)], source).toEqual(expected);
    }
  });

  it('stop where a text makes them slow', { timeout: 60_000 }, async () => {
    const { encode, decode } = await withExpression(String.raw`\s+$`);
    expect(decode(encode(' '.repeat(2000) + 'a'))).toBe(' '.repeat(2000) + 'a');
    expect(() => encode(' '.repeat(2 ** 20) + 'a')).toThrow(
      /takes too long at character \d+ of a text; expected at most/,
    );
  });
});
