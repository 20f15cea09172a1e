import { ConfigError } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { TextStream, type OpenText, type TokenDecoder } from './textStream';

/** Tokens are bytes of UTF-8. */
function byteDecoder(): TokenDecoder {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return { push: (byte) => utf8.decode(Uint8Array.of(byte), { stream: true }), end: () => utf8.decode() };
}

/** Tokens are numbers of pieces of text. */
const pieceDecoder = (pieces: readonly string[]): TokenDecoder => ({ push: (id) => pieces[id]!, end: () => '' });

/** What is shown of tokens, piece by piece, with a stream that is left and gone on with after `cut` of them. */
function shown(make: () => TokenDecoder, tokens: Iterable<number>, stops: readonly string[], cut = -1): string[] {
  let stream = new TextStream(make(), stops);
  const pieces: string[] = [];
  for (const [i, token] of [...tokens].entries()) {
    if (i === cut) stream = new TextStream(make(), stops, JSON.parse(JSON.stringify(stream.open())) as OpenText);
    pieces.push(stream.push(token));
    if (stream.stopped) return pieces;
  }
  return [...pieces, stream.end()];
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe('text that comes byte by byte', () => {
  const text = 'a😀漢字é😀😀 z';

  it.each<[string, string[], string]>([
    ['no stop', [], text],
    ['a stop that never comes', ['never written'], text],
    ['a long stop of which only the beginning comes', ['字é😀😀 zebra'], text],
    ['a stop that begins with a character of four bytes', ['😀漢'], 'a'],
    ['a stop that shares its first three bytes with what stands there', ['😁'], text],
    ['a stop that is half a character', ['\uDE00'], text],
    ['a stop that is a prefix of another', ['漢', '漢字é'], 'a😀'],
    ['a stop within another that begins earlier', ['😀漢字é', '漢'], 'a😀'],
    ['stops that end together', ['字é', '漢字é'], 'a😀'],
    ['a stop that overlaps itself', ['😀😀 '], 'a😀漢字é'],
    ['a stop at the very beginning', ['a'], ''],
    ['a stop at the very end', [' z'], 'a😀漢字é😀😀'],
  ])('%s: whole characters, up to the stop, wherever it is left and gone on with', (_, stops, expected) => {
    const pieces = shown(byteDecoder, bytes(text), stops);
    expect(pieces.join('')).toBe(expected);
    for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}|\uFFFD/u);
    for (let cut = 0; cut < bytes(text).length; cut++) {
      expect(shown(byteDecoder, bytes(text), stops, cut).join(''), `left after ${cut}`).toBe(expected);
    }
  });

  it('holds back no more than a stop can begin with', () => {
    expect(shown(byteDecoder, bytes('abababx'), ['abx'])).toEqual(['', '', 'ab', '', 'ab', '', '']);
    expect(shown(byteDecoder, bytes('ab'), ['never', 'abc'])).toEqual(['', '', 'ab']);
  });

  it('shows what was no character as it comes, wherever it is left and gone on with', () => {
    const broken = [0xf0, 0x9f, 0x41, 0xe6, 0xe6, 0xbc, 0xa2, 0x80, 0xc3, 0xf0, 0x9f, 0x98];
    const whole = new TextDecoder().decode(Uint8Array.from(broken));
    for (let cut = 0; cut < broken.length; cut++) expect(shown(byteDecoder, broken, [], cut).join('')).toBe(whole);
    expect(shown(byteDecoder, broken, ['\uFFFD\uFFFD']).join('')).toBe('\uFFFDA\uFFFD漢');
    expect(shown(byteDecoder, [0x61, 0xc3], ['\uFFFD']).join('')).toBe('a');
  });
});

it('the same text ends at the same place, whatever its tokens are', () => {
  const stops = ['bcd', 'c', 'ab!'];
  for (const pieces of [['abcd'], ['a', 'bcd'], ['ab', 'cd'], ['a', 'b', 'c', 'd']]) {
    const ids = pieces.map((_, id) => id);
    expect(shown(() => pieceDecoder(pieces), ids, stops).join('')).toBe('ab');
  }
});

it('goes on with other stops: what need not be held back comes first', () => {
  const open = (() => {
    const stream = new TextStream(byteDecoder(), ['abc']);
    for (const byte of bytes('xab')) stream.push(byte);
    return stream.open();
  })();
  expect(open.held).toBe('ab');
  expect(new TextStream(byteDecoder(), [], open).begin()).toBe('ab');
  expect(new TextStream(byteDecoder(), ['bc'], open).begin()).toBe('a');
  const stopped = new TextStream(byteDecoder(), ['b'], open);
  expect([stopped.begin(), stopped.stopped, stopped.end()]).toEqual(['a', true, '']);
});

it('refuses an empty stop', () => {
  expect(() => new TextStream(byteDecoder(), ['a', ''])).toThrow(ConfigError);
  expect(() => new TextStream(byteDecoder(), [''])).toThrow('a stop text is empty; expected some text.');
});
