import fc from 'fast-check';
import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { encode as reference } from 'gpt-tokenizer/encoding/r50k_base';
import { describe, expect, it } from 'vitest';
import { openTokenizer, tokenizerFromJSON, tokenizerNames } from '.';
import { DataError } from '../errors';
import { byteTokenizer } from './bytes';
import { gpt2Tokenizer } from './gpt2';
import { huggingFaceTokenizer } from './huggingFace';

const tokenizer = await gpt2Tokenizer();
const { encode, encodeBytes, decode, decodeBytes, decoder } = tokenizer;
const stored = JSON.stringify(tokenizer);
const bytes = fc.uint8Array({ maxLength: 64 });

/** Text of words, spaces, breaks, numbers, accents, signs and emoji, as they come and mixed. */
const text = fc
  .array(
    fc.constantFrom(
      'the',
      ' end',
      '  ',
      '\n',
      '\n\n',
      "'ll",
      ' 1984',
      'été',
      ' Ω',
      '😀',
      '\uFEFF',
      '...',
      '\t',
      ' ',
      '<|',
      'endoftext',
      '|>',
      '中文',
    ),
    { maxLength: 30 },
  ) // prettier-ignore
  .map((parts) => parts.join(''));

describe('the tokenizer of GPT-2', () => {
  it('gives the ids that GPT-2 has', () => {
    expect([...encode('Hello world')]).toEqual([15496, 995]);
    expect([...encode("It's 2 words\n\nand  more.")]).toEqual([1026, 338, 362, 2456, 198, 198, 392, 220, 517, 13]);
    expect([tokenizer.vocabSize, tokenizer.endOfText]).toEqual([50257, 50256]);
  });

  it('gives any bytes back exactly', () => {
    fc.assert(
      fc.property(bytes, (x) => {
        expect(decodeBytes(encodeBytes(x))).toEqual(x);
      }),
    );
    fc.assert(
      fc.property(text, (x) => {
        expect(decode(encode(x))).toBe(x);
      }),
    );
  });

  it('has the tokens of gpt-tokenizer, byte by byte', () => {
    const wrong = ranks.flatMap((token, id) => (Buffer.from(token).equals(decodeBytes([id])) ? [] : [id]));
    expect(ranks).toHaveLength(50256);
    expect(wrong).toEqual([]);
  });

  it('encodes as gpt-tokenizer does, which has other white space: U+FEFF is some, U+0085 is none', () => {
    const hostile = fc.oneof(
      text,
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...ranks.filter((token) => typeof token === 'string')), maxLength: 30 }),
      fc.string({ unit: fc.constantFrom(' ', '\u00A0', '\n', '\r', "'", 's', '’', 'ſ', '1', '٣', '²', 'é', '_', '\0'), maxLength: 40 }),
    ); // prettier-ignore
    fc.assert(
      fc.property(hostile, (x) => {
        const plain = x.replaceAll(/[\uFEFF\u0085]/g, '');
        expect([...encode(plain)]).toEqual(reference(plain, { disallowedSpecial: new Set() }));
      }),
      { numRuns: 500 },
    );
    // As tiktoken and Hugging Face's have it.
    expect([...encode('a\uFEFF\uFEFFb')]).toEqual([64, 171, 119, 123, 171, 119, 123, 65]);
  });

  it('encodes a word of 10,000 letters as one', () => {
    const word = 'etaoin'.repeat(1667);
    expect([...encode(`one ${word} two`)]).toEqual(reference(`one ${word} two`));
  });

  it('never takes text for the end of a text', () => {
    const ids = encode('a<|endoftext|>b');
    expect([...ids]).not.toContain(50256);
    expect(decode(ids)).toBe('a<|endoftext|>b');
    expect(decode([64, 50256])).toBe('a<|endoftext|>');
  });

  it('encodes long text as if it were not cut in pieces', () => {
    const line = 'It was the best of times, it was the worst of times\n';
    const long = line.repeat(50_000);
    const ids = encode(long);
    expect(decode(ids)).toBe(long);
    expect(ids.length).toBe(50_000 * encode(line).length);
  });

  it('is done with a word without end', () => {
    const word = 'ab'.repeat(100_000);
    const begin = performance.now();
    expect(decode(encode(`one ${word} two`))).toBe(`one ${word} two`);
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  it('decodes token by token what it decodes at once', () => {
    fc.assert(
      fc.property(bytes, (x) => {
        const ids = encodeBytes(x);
        const stream = decoder();
        expect(Array.from(ids, (id) => stream.push(id)).join('') + stream.end()).toBe(decode(ids));
      }),
    );
  });

  it.each([-1, 50257, 0.5])('has no token %s', (id) => {
    expect(() => decode([id])).toThrow(DataError);
  });
});

describe('its tokenizer.json', () => {
  it('is known again', async () => {
    expect(await tokenizerFromJSON(JSON.parse(stored))).toBe(tokenizer);
  });

  it('with merges as pairs, as newer files have them, is known too', async () => {
    const json = JSON.parse(stored) as { model: { merges: string[] } };
    const merges = json.model.merges.map((merge) => merge.split(' '));
    expect(await tokenizerFromJSON({ ...json, model: { ...json.model, merges } })).toBe(tokenizer);
  });

  it('means the same when it is read as that of any tokenizer', async () => {
    const other = await huggingFaceTokenizer(JSON.parse(stored) as never);
    expect([other.vocabSize, other.endOfText]).toEqual([50257, 50256]);
    fc.assert(
      fc.property(text, (x) => {
        expect([...other.encode(x)]).toEqual([...encode(x)]);
        expect(other.decode(encode(x))).toBe(x);
      }),
    );
    fc.assert(
      fc.property(bytes, (x) => {
        expect(other.decodeBytes(other.encodeBytes(x))).toEqual(x);
      }),
    );
  });

  it('with another merge is another tokenizer', async () => {
    const json = JSON.parse(stored) as { model: { merges: string[] } };
    [json.model.merges[5], json.model.merges[6]] = [json.model.merges[6]!, json.model.merges[5]!];
    expect(await tokenizerFromJSON(json)).not.toBe(tokenizer);
  });
});

describe('tokenizers by name', () => {
  it('are all there', async () => {
    for (const name of tokenizerNames) expect((await openTokenizer(name)).name).toBe(name);
    expect((await openTokenizer('bytes')).vocabSize).toBe(byteTokenizer().vocabSize);
    await expect(openTokenizer('gpt5')).rejects.toThrow('tokenizer is "gpt5"; expected one of bytes, gpt2. Give other');
  });
});
