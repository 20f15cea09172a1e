import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { DataError } from '../errors';
import { textSource } from './text';

describe('a source of texts', () => {
  it('takes a string as one document of UTF-8', () => {
    const source = textSource('né');
    expect([source.name, source.vocabSize, source.documentCount]).toEqual(['text', 256, 1]);
    expect(source.read(0, 0, 3)).toEqual(Int32Array.of(0x6e, 0xc3, 0xa9));
  });

  it('takes bytes as they are and keeps no copy', () => {
    const bytes = Uint8Array.of(0, 255, 128);
    const source = textSource(bytes);
    bytes[0] = 7;
    expect(source.read(0, 0, 3)).toEqual(Int32Array.of(7, 255, 128));
  });

  it('takes bytes of another realm', () => {
    const bytes = runInNewContext('Uint8Array.of(1, 2)') as Uint8Array;
    expect(textSource(bytes).tokenCount).toBe(2);
  });

  it('keeps the order of documents and leaves empty ones out', () => {
    const source = textSource([
      { name: 'z', text: 'zz' },
      { name: 'nothing', text: '' },
      { name: 'a', text: Uint8Array.of(1) },
    ]);
    expect([source.documentName(0), source.documentName(1)]).toEqual(['z', 'a']);
    expect(source.notes).toEqual(['nothing was left out: it is empty']);
  });

  it.each(['', [], [{ name: 'a', text: '' }]].map((text) => [text]))('is not made from %j', (text) => {
    expect(() => textSource(text)).toThrow(DataError);
    expect(() => textSource('', { name: 'poem' })).toThrow(
      'poem holds no text (documents: 1); expected at least one that is not empty.',
    );
  });
});
