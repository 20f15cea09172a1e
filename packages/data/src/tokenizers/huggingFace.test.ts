import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJSON } from '.';
import { DataError } from '../errors';

const special = (id: number, content: string, is = true) => ({
  ...{ id, content, special: is, single_word: false, lstrip: false, rstrip: false, normalized: false },
});

/** A SentencePiece-like BPE: spaces are ▁, unknown characters are spelled in bytes. */
const pieces = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`), '▁', 't', 'h', 'e', 'a', 'c', 'th', 'the', '▁the', '▁c', 'at', '▁cat']; // prettier-ignore
const sentencePiece = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>')],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  pre_tokenizer: null,
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: '<unk>',
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    merges: ['t h', 'th e', '▁ the', '▁ c', 'a t', '▁c at'],
  },
};

const wordPiece = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [special(0, '[PAD]'), special(1, '[UNK]'), special(2, '[SEP]')],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: { '[PAD]': 0, '[UNK]': 1, '[SEP]': 2, the: 3, cat: 4, '##s': 5, sat: 6 },
  },
};

describe('a tokenizer.json of SentencePiece', () => {
  it('encodes text, without tokens of its own before or after it', async () => {
    const tokenizer = await tokenizerFromJSON(sentencePiece);
    expect([tokenizer.name, tokenizer.vocabSize, tokenizer.endOfText]).toEqual(['bpe', pieces.length, 2]);
    const spelled = Array.from(tokenizer.encode('the cat'), (id) => pieces[id]);
    expect(spelled).toEqual(['▁the', '▁cat']);
    expect(tokenizer.decode(tokenizer.encode('the cat'))).toBe('the cat');
  });

  it('spells what it does not know in bytes, and decodes them one by one', async () => {
    const { encode, decode, decoder } = await tokenizerFromJSON(sentencePiece);
    const ids = encode('the 😀 cat');
    expect(Array.from(ids, (id) => pieces[id])).toEqual(['▁the', '▁', '<0xF0>', '<0x9F>', '<0x98>', '<0x80>', '▁cat']);
    const stream = decoder();
    const parts = Array.from(ids, (id) => stream.push(id));
    expect(parts.join('') + stream.end()).toBe(decode(ids));
    expect(parts.slice(2)).toEqual(['', '', '', '😀', ' cat']);
  });

  it('never takes text for a special token', async () => {
    const { encode, decode } = await tokenizerFromJSON(sentencePiece);
    const ids = encode('the</s>cat');
    expect([...ids]).not.toContain(2);
    expect(decode(ids)).toBe('the</s>cat');
  });

  it('comes back from a checkpoint as it was', async () => {
    const tokenizer = await tokenizerFromJSON(sentencePiece);
    const again = await tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(again.encode(text)).toEqual(tokenizer.encode(text));
      }),
    );
  });
});

describe('a tokenizer.json of WordPiece', () => {
  it('keeps what it keeps', async () => {
    const { encode, decode, decoder } = await tokenizerFromJSON(wordPiece);
    expect([...encode('The CATS sat')]).toEqual([3, 4, 5, 6]);
    expect(decode([3, 4, 5, 6])).toBe('the cats sat');
    const stream = decoder();
    expect([3, 4, 5, 6].map((id) => stream.push(id)).join('') + stream.end()).toBe('the cats sat');
    expect([...encode('the dog')]).toEqual([3, 1]);
  });
});

describe('a tokenizer.json that is none', () => {
  it.each([
    ['of another kind', { ...wordPiece, model: { type: 'Magic' } }],
    ['with a hole', { ...wordPiece, model: { type: 'WordPiece' } }],
    ['with a wild id', { ...wordPiece, added_tokens: [special(2 ** 40, 'x')] }],
  ])('%s is a DataError', async (_, json) => {
    await expect(tokenizerFromJSON(json)).rejects.toThrow(DataError);
  });

  it('has no token outside of its vocabulary', async () => {
    const { decode, decodeBytes, decoder } = await tokenizerFromJSON(wordPiece);
    for (const id of [-1, 7, 1.5]) {
      expect(() => decode([id])).toThrow(DataError);
      expect(() => decodeBytes([id])).toThrow(DataError);
      expect(() => decoder().push(id)).toThrow(DataError);
    }
  });
});
