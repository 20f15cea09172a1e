// Encoding in pieces equals encoding at once, and decoding token by token equals decoding at once, for every kind.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tokenizer, TokenizerJSON } from '../api';
import { tokenizerFromJSON } from '.';
import { bpeModel } from './bpe';
import { tokenizerJSON } from './fixtures.cases';
import { safeCut } from './safeCuts';
import { textPieces } from './textPieces';
import { readTokenizerFile } from './tokenizerFile';
import { unigramModel } from './unigram';
import { wordPieceModel } from './wordPiece';
import { Ids, type WordModel } from './wordModel';

const [gpt2, llama2, qwen, bert, t5] = ['gpt2', 'llama2', 'qwen', 'bert', 't5'].map((name) => tokenizerJSON(name)) as [
  TokenizerJSON,
  TokenizerJSON,
  TokenizerJSON,
  TokenizerJSON,
  TokenizerJSON,
];

const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
const withAdded = (json: TokenizerJSON, ...added: object[]): TokenizerJSON => ({
  ...json,
  added_tokens: [
    ...(json['added_tokens'] as object[]),
    ...added.map((token, i) => ({ ...plain, id: 1000 + i, ...token })),
  ],
});
const withModel = (json: TokenizerJSON, model: object) => ({ ...json, model: { ...json.model, ...model } });
const metaspace = (options: object) => ({ type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', ...options });

/** Every kind there is, and turns of it. */
const kinds: readonly (readonly [string, TokenizerJSON])[] = [
  ['byte-level BPE', gpt2],
  ['byte-level BPE with a space in front', { ...gpt2, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } }],
  ['byte-level BPE without words', { ...gpt2, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false } }],
  ['byte-level BPE with added tokens', withAdded(gpt2, { content: 'the' }, { content: 'they' }, { content: '\n\n' })],
  ['byte-level BPE with digits apart', { ...gpt2, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, { type: 'Punctuation', behavior: 'Contiguous' }, { type: 'ByteLevel', add_prefix_space: false, use_regex: true }] } }],
  ['BPE with an expression and NFC', qwen],
  ['BPE with whole words', withModel(qwen, { ignore_merges: true })],
  ['SentencePiece-like BPE', llama2],
  ['SentencePiece-like BPE with added tokens', withAdded(llama2, { content: 'the', normalized: true }, { content: ' whale', lstrip: true, rstrip: true }, { content: 'a', single_word: true })],
  ['SentencePiece-like BPE without bytes', withModel(llama2, { byte_fallback: false, fuse_unk: true })],
  ['BPE with Metaspace', { ...llama2, normalizer: null, pre_tokenizer: metaspace({ prepend_scheme: 'first' }), decoder: metaspace({ prepend_scheme: 'first' }) }],
  ['BPE with Metaspace that does not split', { ...llama2, normalizer: null, pre_tokenizer: metaspace({ split: false }), decoder: metaspace({}) }],
  ['BPE with spaces behind words', { ...llama2, normalizer: null, pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false } }],
  ['Unigram', t5],
  ['Unigram in white space, with SentencePiece rules', { ...t5, normalizer: { type: 'Precompiled', precompiled_charsmap: '' }, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace({})] } }],
  ['Unigram with a space in front of the first word', { ...t5, pre_tokenizer: metaspace({ prepend_scheme: 'first' }) }],
  ['Unigram with no space in front', { ...t5, pre_tokenizer: metaspace({ prepend_scheme: 'never' }) }],
  ['Unigram without words', { ...t5, pre_tokenizer: metaspace({ split: false }) }],
  ['Unigram with SentencePiece rules', { ...t5, normalizer: { type: 'Precompiled', precompiled_charsmap: '' } }],
  ['Unigram without a pre-tokenizer', { ...t5, pre_tokenizer: null, decoder: null }],
  ['WordPiece', bert],
  ['WordPiece with added tokens', withAdded(bert, { content: 'Whale', normalized: true }, { content: '##' })],
  ['WordPiece with accents, in white space', { ...bert, normalizer: { type: 'NFKD' }, pre_tokenizer: { type: 'Whitespace' }, decoder: { type: 'WordPiece', prefix: '##', cleanup: false } }],
]; // prettier-ignore

/** Words, breaks, signs of all kinds, and halves of what belongs together. */
const parts = [
  ...['the', ' whale', 'they', 'Call', 'a', 'A', 'x', ' ', '  ', '\n', '\n\n', '\r\n', '\t', "'ll", "'", '.', ',', '!', ' - '],
  ...['1984', '½', '٣', 'É', 'e\u0301', '\u0301', 'Σ', 'ΟΔΟΣ', 'ß', 'ﬁ', 'ﷺ', 'Å', '漢', '字', '한국', '𠀀', 'か\u3099', 'שלום', 'العربية'],
  ...['😀', '👩‍👩‍👧', '\u200D', '\u200F', '\uFEFF', '\u0085', '\u00A0', '\u2028', '\0', '\u0007', '\uFFFD', '\uD83D', '\uDE00', '▁', '▁▁'],
  ...['<s>', '</s>', '<|endoftext|>', '<0x0A>', '[MASK]', '##', '$&', '\\'],
] as const; // prettier-ignore
const text = fc
  .array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 40 })
  .map((list) => list.join(''));

const encoder = new TextEncoder();
const joined = (all: Iterable<ArrayLike<number>>) => [...all].flatMap((ids) => Array.from(ids));

describe.each(kinds)('%s', (_, json) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await tokenizerFromJSON(json);
  });

  it('encodes text, its bytes and parts of them alike', () => {
    const { encode, encodeBytes, encodeParts, vocabSize } = tokenizer;
    fc.assert(
      fc.property(text, (x) => {
        const ids = [...encode(x)];
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < vocabSize)).toBe(true);
        expect(Array.from(encodeBytes(encoder.encode(x)))).toEqual(ids);
        expect(joined(encodeParts!(encoder.encode(x)))).toEqual(ids);
      }),
    );
  });

  it('encodes the pieces of a text to what it encodes the text to, wherever it may be cut', () => {
    const cuts = { cutBefore: safeCut(readTokenizerFile(json)), keepsBytes: false, piece: 1 };
    const place = cuts.cutBefore === 0x20 ? 'x y' : 'x\ny';
    const lines = fc.array(text, { minLength: 1, maxLength: 6 }).map((list) => list.join(place));
    fc.assert(
      fc.property(lines, (x) => {
        const pieces = [...textPieces(encoder.encode(x), cuts)];
        if (cuts.cutBefore === undefined) expect(pieces.length).toBeLessThan(2);
        else expect(pieces.length).toBeGreaterThanOrEqual(x.split(place).length - 1);
        expect(joined(pieces.map((piece) => tokenizer.encode(String(piece))))).toEqual([...tokenizer.encode(x)]);
      }),
    );
  });

  it('spells a word in parts as it spells it at once', () => {
    const file = readTokenizerFile(json);
    const models: Record<string, () => WordModel> = {
      BPE: () => bpeModel(file),
      Unigram: () => unigramModel(file),
      WordPiece: () => wordPieceModel(file),
    };
    const model = models[json.model.type]!();
    const spell = (words: Iterable<string>) => {
      const ids = new Ids();
      for (const word of words) model.encode(word, ids);
      return ids.take();
    };
    const symbols = [...file.vocab.keys()];
    const spells = (symbol: string) => {
      try {
        return spell([symbol]).length > 0;
      } catch {
        return false;
      }
    };
    const word = fc
      .array(fc.constantFrom(...[...symbols, '😀', '漢', '\0', 'ab', '▁'].filter(spells)), {
        minLength: 1,
        maxLength: 60,
      })
      .map((list) => list.join(''));
    fc.assert(
      fc.property(word, (x) => {
        const parts = [...model.parts(x)];
        expect(parts.join('')).toBe(x);
        expect([...spell(parts)]).toEqual([...spell([x])]);
      }),
    );
  });

  it('decodes token by token what it decodes at once', () => {
    const { decode, decoder } = tokenizer;
    const known = [...readTokenizerFile(json).written.keys()];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...known), { maxLength: 60 }), (ids) => {
        const stream = decoder();
        const streamed = ids.map((id) => stream.push(id)).join('') + stream.end();
        expect(streamed).toBe(decode(ids));
        // It begins anew.
        expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(streamed);
      }),
    );
  });

  it('takes no text for a special token, but for what it does not know and for bytes', () => {
    const special = (json['added_tokens'] as { id: number; content: string; special: boolean }[]).filter(
      (token) => token.special && !/^(<unk>|\[UNK\]|<0x..>)$/.test(token.content),
    );
    const ids = special.flatMap(({ content }) => [...tokenizer.encode(`${content} the${content}whale ${content}`)]);
    for (const { id } of special) expect(ids).not.toContain(id);
  });
});

it('texts may be cut with most kinds', () => {
  const cuts = kinds.map(([name, json]) => [name, safeCut(readTokenizerFile(json))] as const);
  expect(cuts.filter(([, cut]) => cut === 0x0a).length).toBeGreaterThan(5);
  expect(cuts.filter(([, cut]) => cut === 0x20).map(([name]) => name)).toContain('Unigram');
});

it('a text without a place to be cut is refused beyond a limit, which is named', () => {
  const cuts = { cutBefore: 0x0a, keepsBytes: false, piece: 8, longest: 64 };
  expect([...textPieces(encoder.encode('ab\ncd ef\ngh'.repeat(9)), cuts)].join('')).toBe('ab\ncd ef\ngh'.repeat(9));
  expect(() => [...textPieces(encoder.encode('漢'.repeat(30)), cuts)]).toThrow(
    /^a text of 90 bytes has no place where this tokenizer lets it be cut; expected at most 64 bytes without one/,
  );
});

describe('long texts', () => {
  const line = 'It was the whale, the great white whale\n';
  const long = line.repeat(Math.ceil((2 ** 21 + 1) / line.length));

  it.each([
    ['byte-level BPE', gpt2],
    ['BPE with an expression', qwen],
    ['SentencePiece-like BPE', llama2],
    ['Unigram', t5],
    ['WordPiece', bert],
  ])('are encoded as their lines are, over 2 MiB: %s', { timeout: 60_000 }, async (_, json) => {
    const { encode, encodeBytes } = await tokenizerFromJSON(json);
    const count = long.length / line.length;
    const ids = encodeBytes(encoder.encode(long));
    // What a line adds is always the same.
    const [two, three] = [encode(line.repeat(2)), encode(line.repeat(3))];
    const each = three.length - two.length;
    expect(ids.length).toBe(two.length + (count - 2) * each);
    const front = two.length - each;
    expect([...ids.subarray(0, two.length)]).toEqual([...two]);
    for (let at = front + each; at + each <= ids.length; at += each * 997) {
      expect([...ids.subarray(at - each, at)]).toEqual([...ids.subarray(at, at + each)]);
    }
  });

  it.each(kinds)('of one character are encoded: %s', { timeout: 60_000 }, async (_, json) => {
    const { encode, encodeBytes, decode } = await tokenizerFromJSON(json);
    for (const character of ['a', ' ', '漢', '😀', '▁', '\uFEFF', '\u0301']) {
      const ids = encode(character.repeat(20_000));
      expect(ids.length, character).toBeLessThanOrEqual(4 * 20_000 + 1);
      expect(Array.from(encodeBytes(encoder.encode(character.repeat(20_000)))), character).toEqual([...ids]);
      expect(typeof decode(ids)).toBe('string');
    }
  });

  it.each([
    ['byte-level BPE', gpt2],
    ['BPE with an expression', qwen],
    ['SentencePiece-like BPE', llama2],
    ['Unigram', t5],
    ['Unigram without a pre-tokenizer', { ...t5, pre_tokenizer: null }],
    ['WordPiece', bert],
  ])('of a million letters without a space overflow nothing: %s', { timeout: 60_000 }, async (_, json) => {
    const { encode, decode, decodeBytes } = await tokenizerFromJSON(json);
    const letters = 'abc'.repeat(350_000);
    const ids = encode(letters);
    if (json === bert) return expect(decode(ids)).toBe('[UNK]');
    expect(decode(ids)).toBe(letters);
    expect(decodeBytes(ids).length).toBe(letters.length);
  });
});

describe('characters that are never whole', () => {
  it.each([
    ['byte-level BPE', gpt2, 'ĸ'],
    ['SentencePiece-like BPE', llama2, '<0xE6>'],
  ])('are decoded one by one in time that grows with their number: %s', async (_, json, half) => {
    const { decoder, decode } = await tokenizerFromJSON(json);
    const id = (json.model as unknown as { vocab: Record<string, number> }).vocab[half]!;
    const stream = decoder();
    let streamed = '';
    const begin = performance.now();
    for (let i = 0; i < 100_000; i++) streamed += stream.push(id);
    streamed += stream.end();
    expect(performance.now() - begin).toBeLessThan(10_000);
    expect(streamed).toBe('\uFFFD'.repeat(100_000));
    expect(decode([id, id, id])).toBe('\uFFFD'.repeat(3));
  });
});
