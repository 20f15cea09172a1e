import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJSON } from '.';
import type { TokenizerJSON } from '../api';
import { DataError } from '../errors';
import { charTokenizer } from './chars';

const text = 'to be or not to be: é€😀\n\uFEFF10';
const tokenizer = charTokenizer(text);
const stored = () => JSON.parse(JSON.stringify(tokenizer)) as TokenizerJSON;

describe('the tokenizer of characters', () => {
  it('has one token for each character, in order, and one for all others', () => {
    expect(tokenizer.vocabSize).toBe(new Set(text).size + 1);
    const ids = tokenizer.encode([...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!).join(''));
    expect([...ids]).toEqual(Array.from(ids, (_, i) => i + 1));
    expect([...tokenizer.encode('x\uD83D\uFFFD')]).toEqual([0, 0, 0]);
    expect(tokenizer.decode([0])).toBe('\uFFFD');
  });

  it('gives any text of its characters back, as text, as bytes and token by token', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...text)), (characters) => {
        const own = characters.join('');
        const ids = tokenizer.encode(own);
        expect(tokenizer.decode(ids)).toBe(own);
        expect(tokenizer.encodeBytes(new TextEncoder().encode(own))).toEqual(ids);
        expect(tokenizer.decodeBytes(ids)).toEqual(new TextEncoder().encode(own));
        const stream = tokenizer.decoder();
        expect(Array.from(ids, (id) => stream.push(id)).join('') + stream.end()).toBe(own);
      }),
    );
  });

  it('comes back from its tokenizer.json as it was', async () => {
    const loaded = await tokenizerFromJSON(stored());
    expect([loaded.name, loaded.vocabSize]).toEqual(['chars', tokenizer.vocabSize]);
    expect(loaded.encode(text)).toEqual(tokenizer.encode(text));
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(tokenizer));
  });

  it('is read by the library of Hugging Face', () => {
    const other = new HuggingFaceTokenizer(stored(), {});
    expect(other.encode(text).ids).toEqual([...tokenizer.encode(text)]);
    expect(other.decode([...tokenizer.encode(text)])).toBe(text);
  });

  it.each([
    ['a hole in its ids', (vocab: Record<string, number>) => (vocab.t = 99)],
    ['a word', (vocab: Record<string, number>) => (vocab.to = Object.keys(vocab).length)],
    ['an id twice', (vocab: Record<string, number>) => (vocab.t = vocab.o!)],
  ])('does not take a vocabulary with %s for its own', async (_, change) => {
    const json = stored();
    change(json.model.vocab as Record<string, number>);
    await expect(tokenizerFromJSON(json)).rejects.toThrow(DataError);
  });

  it('is refused for a text without characters', () => {
    for (const none of ['', '\uD800', '\uFFFD']) expect(() => charTokenizer(none)).toThrow(DataError);
  });

  it.each([-1, tokenizer.vocabSize, 1.5])('has no token %s', (id) => {
    expect(() => tokenizer.decode([id])).toThrow(DataError);
  });
});
