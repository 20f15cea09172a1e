// A tokenizer.json that lies: every one is refused with an error that says what is wrong, or does no harm.
import { describe, expect, it } from 'vitest';
import type { TokenizerJSON } from '../api';
import { tokenizerFromJSON } from '.';
import { DataError } from '../errors';
import { tokenizerJSON } from './fixtures.cases';

const bpe = (model: object, rest: object = {}): TokenizerJSON => ({
  version: '1.0',
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'], ...model },
  ...rest,
});
const unigram = (vocab: unknown, rest: object = {}) =>
  bpe({ type: 'Unigram', unk_id: 0, vocab, merges: undefined, ...rest });
const added = (token: object) => bpe({}, { added_tokens: [{ id: 3, content: '<x>', special: false, ...token }] });
const deep = (key: string, leaf: object, levels: number): object =>
  levels === 0 ? leaf : { type: 'Sequence', [key]: [deep(key, leaf, levels - 1)] };

describe('a tokenizer.json that lies', () => {
  it.each<[string, TokenizerJSON, RegExp]>([
    ['with an id of 1e9', bpe({ vocab: { a: 0, b: 1e9 }, merges: [] }), /^id of "b" is 1000000000; expected a whole number from 0 to 16777215\.$/],
    ['with the id −1', bpe({ vocab: { a: 0, b: -1 }, merges: [] }), /^id of "b" is -1; expected a whole number/],
    ['with the id 1.5', bpe({ vocab: { a: 0, b: 1.5 }, merges: [] }), /^id of "b" is 1\.5; expected a whole number/],
    ['with the id "1"', bpe({ vocab: { a: 0, b: '1' }, merges: [] }), /^id of "b" is "1"; expected a whole number/],
    ['with one id twice', bpe({ vocab: { a: 0, b: 0 }, merges: [] }), /^id of "b" is 0; expected an id of its own, as "a" has this one/],
    ['with an added token over another', added({ id: 1 }), /^id of the added token "<x>" is 1; expected an id of its own/],
    ['with an added id of −1', added({ id: -1 }), /added token "<x>" is -1/],
    ['with an added token that is none', bpe({}, { added_tokens: [null] }), /added_tokens\[0\] of the tokenizer is null; expected an object/],
    ['with added tokens that are no list', bpe({}, { added_tokens: { length: 3 } }), /added_tokens of the tokenizer .* expected a list/],
    ['with a content that is a number', added({ content: 3 }), /content of added_tokens\[0\] of the tokenizer is 3; expected a text/],
    ['without tokens', bpe({ vocab: {}, merges: [] }), /vocab .* expected at least one token/],
    ['without a vocabulary', bpe({ vocab: null }), /vocab of model of the tokenizer is undefined; expected tokens with their ids/],
    ['with a vocabulary that is a text', bpe({ vocab: 'ab' }), /vocab .* expected tokens with their ids/],
    ['with merges of what there is not', bpe({ merges: ['a c'] }), /merge of model of the tokenizer is "a c"; expected tokens of the vocabulary/],
    ['with merges that are no pairs', bpe({ merges: ['ab'] }), /merges .* expected pairs of tokens/],
    ['with merges of objects', bpe({ merges: [[{ toString: 1 }, 'a']] }), /merges .* expected pairs of tokens/],
    ['with merges that are no list', bpe({ merges: { length: 1e9 } }), /merges .* expected a list/],
    ['with a score that is a text', unigram([['a', '1']]), /vocab .* expected tokens with their scores/],
    ['with a token without a score', unigram([['a', 0], null]), /vocab .* expected tokens with their scores/],
    ['with an unknown token that there is not', unigram([['a', 0]], { unk_id: 7 }), /unk_id .* is 7; expected the id of a token/],
    ['with scores for WordPiece', bpe({ vocab: [['a', 0]], type: 'WordPiece' }), /vocab .* expected tokens with their ids/],
    ['with a token of 1,000 letters for Unigram', unigram([['a', 0], ['a'.repeat(1000), 0]]), /^length of the token "a{20}…" is 1000; expected at most 256/],
    ['with a token of 1,000 letters for WordPiece', bpe({ type: 'WordPiece', vocab: { ['a'.repeat(1000)]: 0 } }), /^length of the token "a{20}…" is 1000/],
    ['with an added token of 1,000 letters', added({ content: 'a'.repeat(1000) }), /^length of the token "a{20}…" is 1000/],
    ['of another kind', bpe({ type: 'Magic' }), /type of model of the tokenizer is "Magic"; expected BPE, WordPiece or Unigram/],
    ['with a normalizer of another kind', bpe({}, { normalizer: { type: 'Magic' } }), /type of the normalizer is "Magic"/],
    ['with a normalizer without a kind', bpe({}, { normalizer: {} }), /type of the normalizer is undefined; expected a text/],
    ['with a normalizer that is a text', bpe({}, { normalizer: 'NFC' }), /the normalizer is "NFC"; expected an object/],
    ['with a pre-tokenizer of another kind', bpe({}, { pre_tokenizer: { type: 'Magic' } }), /type of the pre-tokenizer is "Magic"/],
    ['with words of no length', bpe({}, { pre_tokenizer: { type: 'FixedLength', length: 0 } }), /length of the pre-tokenizer is 0; expected at least 1/],
    ['with a decoder of another kind', bpe({}, { decoder: { type: 'Magic' } }), /type of the decoder is "Magic"/],
    ['with steps within steps', bpe({}, { normalizer: deep('normalizers', { type: 'NFC' }, 50) }), /expected at most 16 levels deep/],
    ['with a thousand steps', bpe({}, { normalizer: { type: 'Sequence', normalizers: Array(1000).fill({ type: 'NFC' }) } }), /expected a list of at most 128/],
    ['with an expression that explodes', bpe({}, { pre_tokenizer: { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false } }), /^expression of the pre-tokenizer is "\(a\+\)\+\$"; expected one that cannot take for ever/],
    ['with an expression that explodes in its normalizer', bpe({}, { normalizer: { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' } }), /^expression of the normalizer/],
    ['with an expression that explodes in its decoder', bpe({}, { decoder: { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' } }), /^expression of the decoder/],
    ['with an expression that is a number', bpe({}, { pre_tokenizer: { type: 'Split', pattern: { Regex: 3 }, behavior: 'Isolated' } }), /Regex of pattern of the pre-tokenizer is 3; expected a text/],
  ])('%s is refused', async (_, json, message) => {
    const error = await tokenizerFromJSON(JSON.parse(JSON.stringify(json))).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(message);
  }); // prettier-ignore

  const nested = Array.from({ length: 8 }, () => ({
    type: 'Replace',
    pattern: { String: 'a' },
    content: 'a'.repeat(16),
  }));

  it('makes no more of a text than thirty times as much', async () => {
    const { encode } = await tokenizerFromJSON(bpe({}, { normalizer: { type: 'Sequence', normalizers: nested } }));
    expect(() => encode('a')).toThrow(
      /^the normalizer makes over 65568 characters of a text; expected at most 32 times/,
    );
    expect(encode('')).toHaveLength(0);
    const wide = { type: 'Replace', pattern: { Regex: '' }, content: 'a'.repeat(60_000) };
    const other = await tokenizerFromJSON(bpe({}, { normalizer: wide }));
    expect(() => other.encode('b'.repeat(100_000))).toThrow(DataError);
    expect(other.encode('')).toHaveLength(0);
  });

  it('makes no more of tokens either', async () => {
    const decoders = [...nested, ...nested];
    const { decode } = await tokenizerFromJSON(bpe({}, { decoder: { type: 'Sequence', decoders } }));
    expect(() => decode([0])).toThrow(/^the decoder makes over \d+ characters of a text/);
  });

  it('may have holes, which are no tokens', async () => {
    const { encode, decode, vocabSize } = await tokenizerFromJSON(bpe({ vocab: { a: 0, b: 9, ab: 70_000 } }));
    expect(vocabSize).toBe(70_001);
    expect([...encode('abba')]).toEqual([70_000, 9, 0]);
    expect(decode([70_000, 9, 0])).toBe('ab b a');
    for (const id of [1, 69_999]) expect(() => decode([id])).toThrow('expected one that the vocabulary has a text for');
    expect(() => decode([70_001])).toThrow(DataError);
  });

  it('may have one token twice, of which the last is meant', async () => {
    const { encode, decode } = await tokenizerFromJSON(
      unigram([
        ['?', 0],
        ['a', -1],
        ['a', -1],
      ]),
    );
    expect([...encode('aa')]).toEqual([2, 2]);
    expect(decode([1, 2])).toBe('a a');
  });

  it('may have names that objects have', async () => {
    const vocab = JSON.parse('{ "__proto__": 0, "constructor": 1, "c": 2, "toString": 3 }') as object;
    const json = bpe({ type: 'WordPiece', vocab, merges: undefined, unk_token: 'c' });
    const { encode, decode } = await tokenizerFromJSON(json);
    expect([encode('__proto__'), encode('constructor'), encode('valueOf')].map(([id]) => id)).toEqual([0, 1, 2]);
    expect(decode([0, 3])).toBe('__proto__ toString');
  });

  it('says so if a text cannot be spelled, and drops none of it', async () => {
    const { encode } = await tokenizerFromJSON(bpe({}));
    expect(() => encode('abc')).toThrow(/^text is "abc"; expected text that the vocabulary can spell/);
  });

  it('keeps what stands for a match as it is written', async () => {
    const normalizer = { type: 'Replace', pattern: { String: 'a' }, content: '$&$$' };
    const json = bpe({ vocab: { $: 0, '&': 1, b: 2 }, merges: [] }, { normalizer });
    expect([...(await tokenizerFromJSON(json)).encode('ab')]).toEqual([0, 1, 0, 0, 2]);
  });

  it('is bytes or GPT-2 only if it is sound', async () => {
    const words = { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true } };
    for (const change of [
      { added_tokens: [null] },
      { added_tokens: Array(1) },
      { model: { ...bpe({}).model, merges: Array(1) } },
      { model: { ...bpe({}).model, merges: [[{ toString: 1 }]] } },
    ]) {
      await expect(tokenizerFromJSON({ ...bpe({}), ...words, ...change })).rejects.toThrow(DataError);
    }
  });
});

describe('bytes that are no text', () => {
  const broken = Uint8Array.of(0x61, 0xff, 0x20, 0xe2, 0x82, 0x62, 0xf0, 0x9f);

  it('come back where tokens are bytes', async () => {
    const { encodeBytes, decodeBytes } = await tokenizerFromJSON(tokenizerJSON('gpt2'));
    expect(decodeBytes(encodeBytes(broken))).toEqual(broken);
  });

  it('are U+FFFD elsewhere, without a space in front of what follows', async () => {
    const { encode, encodeBytes, decode } = await tokenizerFromJSON(tokenizerJSON('llama2'));
    expect(decode(encodeBytes(broken))).toBe('a\uFFFD \uFFFDb\uFFFD');
    expect(Array.from(encodeBytes(broken))).toEqual([...encode('a\uFFFD \uFFFDb\uFFFD')]);
  });

  it('U+FEFF is kept, in front and within', async () => {
    for (const name of ['gpt2', 'llama2', 'qwen']) {
      const { encode, encodeBytes, decode, decoder } = await tokenizerFromJSON(tokenizerJSON(name));
      const text = '\uFEFFa\uFEFF\uFEFF b\uFEFF';
      expect(decode(encode(text))).toBe(text);
      expect(decode(encodeBytes(new TextEncoder().encode(text)))).toBe(text);
      const stream = decoder();
      expect(Array.from(encode(text), (id) => stream.push(id)).join('') + stream.end()).toBe(text);
    }
  });
});
