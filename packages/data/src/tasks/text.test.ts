import { ConfigError, Random } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import { textSource } from '../datasets/text';
import { DataError } from '../errors';
import { byteTokenizer } from '../tokenizers/bytes';
import { gpt2Tokenizer } from '../tokenizers/gpt2';
import { copy } from './copy';
import { induction } from './induction';
import { passkey } from './passkey';

const random = (seed: number) => new Random(seed, 'test');

describe('passkey', () => {
  it('reads as text', async () => {
    const { tokens, answers, conditions } = await passkey({ depths: 0.5 }).example(200, random(1));
    const text = byteTokenizer().decode(tokens);
    expect(text).toMatch(
      /^ [A-Z][\w .]+ The pass key is (\d{5})\. Remember it\.[\w .]+ What is the pass key\? The pass key is \1$/,
    );
    expect(byteTokenizer().decode(answers[0]!.expected)).toBe(text.slice(-6));
    expect(conditions['depth']).toBeCloseTo(0.5, 2);
  });

  it('stands where it should', async () => {
    const tokenizer = await gpt2Tokenizer();
    for (const depth of [0, 0.25, 1]) {
      const { tokens, answers } = await passkey({ depths: depth }, { tokenizer }).example(1000, random(2));
      const text = tokenizer.decode(tokens);
      const share = text.indexOf(' The pass key is') / text.indexOf(' What is the pass key?');
      expect(Math.abs(share - depth)).toBeLessThan(0.05);
      const { at, expected, distance } = answers[0]!;
      expect(tokens.slice(at + 1 - distance, at + 1 - distance + expected.length)).toEqual(expected.slice());
      expect(tokenizer.decode(expected)).toMatch(/^ \d{5}$/);
    }
  });

  it('takes filler from a text, over the ends of its documents', async () => {
    const filler = textSource([
      { name: 'a', text: 'a'.repeat(30) },
      { name: 'b', text: 'b'.repeat(50) },
    ]);
    const { tokens } = await passkey({ digits: 3 }, { filler }).example(400, random(3));
    expect(byteTokenizer().decode(tokens)).toMatch(/^[ab]+ The pass key is \d{3}\. Remember it\.[ab]* What/);
    expect(byteTokenizer().decode(tokens)).toMatch(/b{50}a{30}b{50}/);
  });

  it('asks where it should: filler goes on behind the answer', async () => {
    const ends = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const { tokens, answers, conditions } = await passkey({ after: [0, 7, 60], depths: 1 }).example(
        200,
        random(seed),
      );
      const { at, expected, distance } = answers[0]!;
      const text = byteTokenizer().decode(tokens);
      const asked = text.indexOf(' What is the pass key? The pass key is');
      expect(at).toBe(asked + ' What is the pass key? The pass key is'.length - 1);
      expect(byteTokenizer().decode(expected)).toMatch(/^ \d{5}$/);
      expect(tokens.slice(at + 1 - distance, at + 1 - distance + expected.length)).toEqual(expected.slice());
      expect(text.slice(at + 1 + expected.length)).toMatch(/^( [A-Z][\w .]*)?$/);
      expect(conditions['depth']).toBe(1);
      ends.add(201 - (at + 1 + expected.length));
    }
    expect([...ends].sort((a, b) => a - b)).toEqual([0, 7, 60]);
    await expect(passkey({ after: 60 }).example(138, random(1))).rejects.toThrow(
      /context is 138; expected at least 139/,
    );
    expect(() => passkey({ after: -1 })).toThrow('after is -1');
  });

  it('draws its keys from all there are', async () => {
    const keys = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const { answers } = await passkey({ digits: 1 }).example(100, random(seed));
      keys.add(byteTokenizer().decode(answers[0]!.expected));
    }
    expect([...keys].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => ` ${digit}`));
  });

  it('says what is out of range', async () => {
    expect(() => passkey({ depths: 1.5 })).toThrow('depths is 1.5; expected a number from 0 to 1.');
    expect(() => passkey({ digits: 16 })).toThrow(ConfigError);
    const tokenizer = await gpt2Tokenizer();
    expect(() => passkey({}, { filler: textSource('text', { tokenizer }) })).toThrow(
      'vocabSize of the filler is 50257',
    );
    await expect(passkey().example(20, random(1))).rejects.toThrow(/context is 20; expected at least 79/);
    expect((await passkey().example(79, random(1))).conditions).toEqual({ depth: 0 });
    await expect(passkey({}, { filler: { ...textSource('x'), tokenCount: 0 } }).example(99, random(1))).rejects.toThrow(
      DataError,
    );
  });
});

describe('copy', () => {
  it('tells letters, and asks for all of them after the mark', async () => {
    const { tokens, answers, conditions } = await copy({ lengths: 3, letters: 5 }).example(8, random(1));
    const [a, b, c] = tokens;
    expect([...tokens]).toEqual([a, b, c, 0, 0, 1, a, b, c]);
    expect(Math.min(a!, b!, c!)).toBeGreaterThan(1);
    expect(answers.map(({ at, distance }) => [at, distance])).toEqual([
      [5, 6],
      [6, 6],
      [7, 6],
    ]);
    expect(conditions).toEqual({ letters: 3 });
    await expect(async () => copy({ lengths: [2, 3] }).example(3, random(5))).rejects.toThrow(ConfigError);
  });
});

describe('induction', () => {
  it('marks one letter, and asks for it at the end', async () => {
    for (const distance of [2, 5, 29]) {
      const { tokens, answers } = await induction({ distances: distance }).example(30, random(distance));
      expect([...tokens].flatMap((id, i) => (id === 0 ? [i] : []))).toEqual([29 - distance, 29]);
      expect(answers).toEqual([{ at: 29, expected: tokens.subarray(30), distance }]);
      expect(tokens[30]).toBe(tokens[30 - distance]);
    }
  });

  it('is anywhere where no distance is said', async () => {
    const distances = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      distances.add((await induction().example(10, random(seed))).answers[0]!.distance);
    }
    expect([...distances].sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    await expect(async () => induction({ distances: 10 }).example(10, random(1))).rejects.toThrow('at least 11');
  });
});
