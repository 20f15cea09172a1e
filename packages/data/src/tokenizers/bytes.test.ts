import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJSON } from '.';
import { DataError } from '../errors';
import { BYTE_CHARACTERS } from './byteLevel';
import { byteTokenizer } from './bytes';

const { encode, encodeBytes, decode, decodeBytes, decoder } = byteTokenizer();
const bytes = fc.uint8Array({ maxLength: 64 });
const ALL = Uint8Array.from({ length: 256 }, (_, byte) => byte);

describe('the tokenizer of bytes', () => {
  it('gives any bytes back exactly', () => {
    expect(decodeBytes(encodeBytes(ALL))).toEqual(ALL);
    fc.assert(
      fc.property(bytes, (x) => {
        expect(decodeBytes(encodeBytes(x))).toEqual(x);
      }),
    );
  });

  it('gives any text back exactly, a byte order mark included', () => {
    expect(decode(encode('\uFEFFab\0é€😀'))).toBe('\uFEFFab\0é€😀');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decode(encode(text))).toBe(text);
      }),
    );
  });

  it('spells UTF-8', () => {
    expect(encode('é€')).toEqual(Int32Array.of(0xc3, 0xa9, 0xe2, 0x82, 0xac));
    expect(encode('')).toEqual(new Int32Array(0));
  });

  it('reads a lone surrogate as U+FFFD', () => {
    expect(decode(encode('a\uD800b'))).toBe('a\uFFFDb');
  });

  it.each([-1, 256, 1.5, NaN])('has no token %s', (id) => {
    expect(() => decode([65, id])).toThrow(DataError);
    expect(() => decodeBytes([id])).toThrow(`token is ${id}; expected a whole number from 0 to 255.`);
    expect(() => decoder().push(id)).toThrow(DataError);
  });
});

describe('decoding token by token', () => {
  it('holds a character back until its last byte', () => {
    const stream = decoder();
    expect([...encode('a😀b')].map((id) => stream.push(id))).toEqual(['a', '', '', '', '😀', 'b']);
    expect(stream.end()).toBe('');
  });

  it('ends an incomplete character as U+FFFD and starts anew', () => {
    const stream = decoder();
    expect(stream.push(0xf0) + stream.push(0x9f)).toBe('');
    expect(stream.end()).toBe('\uFFFD');
    expect(stream.push(0x61)).toBe('a');
  });

  it('says in all what decoding at once says, for any bytes', () => {
    fc.assert(
      fc.property(bytes, (x) => {
        const stream = decoder();
        expect([...x].map((id) => stream.push(id)).join('') + stream.end()).toBe(decode(x));
      }),
    );
  });
});

describe('tokenizer.json', () => {
  const stored = () => JSON.parse(JSON.stringify(byteTokenizer())) as { [key: string]: unknown; model: object };

  it('comes back as the tokenizer that it was', async () => {
    const loaded = await tokenizerFromJSON(stored());
    expect(loaded.name).toBe('bytes');
    expect(loaded.vocabSize).toBe(256);
    expect(loaded.encode('é')).toEqual(encode('é'));
  });

  it('does not depend on the order of its keys', async () => {
    const { model, ...rest } = stored();
    expect((await tokenizerFromJSON({ model, ...rest })).name).toBe('bytes');
  });

  it('names each byte by a character of its own, as byte-level BPE does', () => {
    expect(new Set(BYTE_CHARACTERS).size).toBe(256);
    expect([0, 9, 10, 32, 65, 127, 160, 161, 173, 255].map((byte) => BYTE_CHARACTERS[byte])).toEqual([
      'Ā', 'ĉ', 'Ċ', 'Ġ', 'A', 'ġ', 'ł', '¡', 'Ń', 'ÿ',
    ]); // prettier-ignore
  });

  it.each([
    ['merges', { model: { ...stored().model, merges: [['a', 'b']] } }],
    ['another vocabulary', { model: { ...stored().model, vocab: { a: 0 } } }],
    ['no vocabulary', { model: { type: 'BPE', merges: [] } }],
    ['added tokens', { added_tokens: [{ id: 256, content: '<end>' }] }],
    ['a normalizer', { normalizer: { type: 'NFC' } }],
    ['a space in front', { pre_tokenizer: { type: 'ByteLevel' } }],
    ['another model', { model: { type: 'WordPiece' } }],
  ])('with %s is not taken for bytes', async (_, change) => {
    const other = await tokenizerFromJSON({ ...stored(), ...change }).catch((error: unknown) => error);
    if (other instanceof Error) expect(other).toBeInstanceOf(DataError);
    else expect(other).not.toMatchObject({ name: 'bytes' });
  });

  it.each([null, 'bytes', {}, { model: null }, { model: { type: 3 } }])('is not %j', async (json) => {
    await expect(tokenizerFromJSON(json)).rejects.toThrow('expected the contents of a tokenizer.json with model.type.');
  });
});
