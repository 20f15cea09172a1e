import { runInNewContext } from 'node:vm';
import { ConfigError } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import { DataError } from './errors';
import { partsOf, tokenSource } from './source';

const source = tokenSource(
  [
    { name: 'a', tokens: Uint8Array.of(1, 2, 3, 4) },
    { name: 'b', tokens: Uint16Array.of(500, 501) },
    { name: 'c', tokens: Int32Array.of(7) },
  ],
  { vocabSize: 502, name: 'test' },
);

describe('a source in memory', () => {
  it('takes arrays of another realm', () => {
    const tokens = runInNewContext('Uint8Array.of(1, 2, 255)') as Uint8Array;
    const foreign = tokenSource([{ name: 'a', tokens }], { vocabSize: 256 });
    expect(foreign.read(0, 0, 3)).toEqual(Int32Array.of(1, 2, 255));
    const out = runInNewContext('new Int32Array(3)') as Int32Array;
    expect(foreign.read(0, 0, 3, out)).toBe(out);
    expect([...out]).toEqual([1, 2, 255]);
    expect(() => tokenSource([{ name: 'a', tokens }], { vocabSize: 200 })).toThrow(DataError);
  });

  it('reads any range of any document, at once', () => {
    expect(source.read(0, 1, 3)).toEqual(Int32Array.of(2, 3));
    expect(source.read(1, 0, 2)).toEqual(Int32Array.of(500, 501));
    expect(source.read(2, 1, 1)).toEqual(new Int32Array(0));
  });

  it('reads into what it is given', () => {
    const out = new Int32Array(5);
    const part = out.subarray(2, 4);
    expect(source.read(0, 0, 2, part)).toBe(part);
    expect(out).toEqual(Int32Array.of(0, 0, 1, 2, 0));
  });

  it('counts documents and tokens', () => {
    expect([source.documentCount, source.tokenCount]).toEqual([3, 7]);
    expect([0, 1, 2].map((i) => [source.documentName(i), source.documentLength(i)])).toEqual([
      ['a', 4],
      ['b', 2],
      ['c', 1],
    ]);
  });

  it.each([
    [-1, 0, 1],
    [3, 0, 1],
    [0.5, 0, 1],
    [0, -1, 1],
    [0, 2, 1],
    [0, 0, 5],
    [0, 0, 1.5],
    [0, NaN, 1],
  ])('has no document %s with tokens %s to %s', (document, from, to) => {
    expect(() => source.read(document, from, to)).toThrow(DataError);
  });

  it('wants an array of the right length', () => {
    expect(() => source.read(0, 0, 2, new Int32Array(3))).toThrow(
      'length of out is 3; expected 2, one for each token.',
    );
  });

  it('refuses tokens outside of the vocabulary', () => {
    const document = { name: 'd', tokens: Int32Array.of(0, 9, -1) };
    expect(() => tokenSource([document], { vocabSize: 9 })).toThrow(
      'token 1 of "d" is 9; expected at least 0 and below the vocabulary of 9.',
    );
    expect(() => tokenSource([document], { vocabSize: 10 })).toThrow('token 2 of "d" is -1');
    expect(() => tokenSource([{ name: 'e', tokens: Uint8Array.of(200) }], { vocabSize: 128 })).toThrow(DataError);
    expect(() => tokenSource([], { vocabSize: 0 })).toThrow(ConfigError);
  });
});

describe('parts of a source', () => {
  const parts = partsOf(source, 'parts', (document) => (document === 0 ? [1, 3] : document === 1 ? [1, 1] : [0, 1]));

  it('drop documents of which nothing is left', () => {
    expect([parts.documentCount, parts.tokenCount]).toEqual([2, 3]);
    expect([parts.documentName(1), parts.documentLength(1)]).toEqual(['c', 1]);
    expect(parts.read(0, 0, 2)).toEqual(Int32Array.of(2, 3));
    expect(parts.read(1, 0, 1)).toEqual(Int32Array.of(7));
  });

  it('cannot be read beyond', () => {
    expect(() => parts.read(0, 0, 3)).toThrow(
      'range of tokens is [0, 3]; expected positions in order within the 2 tokens of "a".',
    );
    expect(() => parts.read(0, -1, 2)).toThrow(DataError);
    expect(() => parts.read(2, 0, 0)).toThrow(DataError);
  });
});
