import { ConfigError, Random } from '@sympow/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recall, type RecallOptions } from './recall';

const options = fc
  .record({
    n: fc.integer({ min: 1, max: 20 }),
    queries: fc.option(fc.integer({ min: 1, max: 25 }), { nil: undefined }),
    gaps: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
    lead: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
    more: fc.integer({ min: 0, max: 200 }),
    seed: fc.nat(),
  })
  .map(({ n, queries, gaps, lead, more, seed }) => {
    const asked = Math.min(queries ?? n, n);
    const context = (lead ?? 0) + 2 * n + (gaps ?? 0) + 2 * asked - 1 + more;
    return { pairs: n, queries, gaps, lead, asked, context, seed };
  });

describe('recall', () => {
  it('asks for the value of a key that was told once before, at the distance it says', () => {
    fc.assert(
      fc.property(options, ({ pairs, queries, gaps, lead, asked, context, seed }) => {
        const task = recall({ pairs, queries, gaps, lead });
        const first = lead ?? 0;
        const { tokens, answers, conditions } = task.example(context, new Random(seed, 'test')) as Awaited<
          ReturnType<typeof task.example>
        >;
        expect(tokens).toHaveLength(context + 1);
        expect(conditions).toEqual({ pairs });
        expect(answers).toHaveLength(asked);
        for (const { at, expected, distance } of answers) {
          expect([...tokens.subarray(at + 1, at + 2)]).toEqual([...expected]);
          expect(at).toBeGreaterThanOrEqual(first + 2 * pairs + (gaps ?? 0));
          const told = at + 1 - distance;
          expect(told).toBeGreaterThan(first);
          expect(told).toBeLessThan(first + 2 * pairs);
          expect([tokens[told - 1], tokens[told]]).toEqual([tokens[at], expected[0]]);
        }
        // Every key stands once among the pairs and at most once among the queries; nothing else looks like one.
        const isKey = (id: number) => id >= 32 && id < 144;
        expect(new Set([...tokens.subarray(first, first + 2 * pairs)].filter(isKey)).size).toBe(pairs);
        expect([...tokens].filter(isKey)).toHaveLength(pairs + asked);
        expect(new Set(answers.map(({ at }) => tokens[at])).size).toBe(asked);
        expect(Math.max(...tokens)).toBeLessThan(task.vocabSize);
      }),
    );
  });

  it('tells a pair as one token where joined', () => {
    fc.assert(
      fc.property(options, ({ pairs, queries, gaps, lead, asked, context, seed }) => {
        const task = recall({ pairs, queries, gaps, lead, joined: true, keys: 20, values: 7, filler: 3 });
        expect(task.vocabSize).toBe(3 + 20 + 7 + 140);
        const first = lead ?? 0;
        const { tokens, answers } = task.example(context - pairs, new Random(seed, 'test')) as Awaited<
          ReturnType<typeof task.example>
        >;
        expect(answers).toHaveLength(asked);
        for (const { at, expected, distance } of answers) {
          expect(at).toBeGreaterThanOrEqual(first + pairs + (gaps ?? 0));
          expect([...tokens.subarray(at + 1, at + 2)]).toEqual([...expected]);
          const told = tokens[at + 1 - distance]! - 30;
          expect([Math.floor(told / 7) + 3, (told % 7) + 23]).toEqual([tokens[at], expected[0]]);
        }
        expect([...tokens].filter((id) => id >= 30)).toHaveLength(pairs);
        expect(Math.max(...tokens)).toBeLessThan(task.vocabSize);
      }),
    );
  });

  it('strews queries over all octaves of the sequence', async () => {
    const task = recall({ pairs: 8 });
    const octaves = new Array<number>(13).fill(0);
    for (let i = 0; i < 200; i++) {
      const { answers } = await task.example(8192, new Random(i, 'test'));
      for (const { at } of answers) octaves[Math.floor(Math.log2((at - 16) / 2 + 1))]!++;
    }
    // 1,600 queries over 12 octaves and what is left of a thirteenth: 123 each; the first has one place a sequence.
    for (const count of octaves.slice(3, 12)) expect(count).toBeGreaterThan(80);
    for (const count of octaves.slice(3, 12)) expect(count).toBeLessThan(180);
  });

  it('keeps the gap that was chosen', async () => {
    const task = recall({ pairs: 4, gaps: [10, 100] });
    const gaps = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const { answers } = await task.example(200, new Random(i, 'test'));
      gaps.add(answers[0]!.at - 8);
    }
    expect([...gaps].sort((a, b) => a - b)).toEqual([10, 100]);
  });

  it('says what is out of range', async () => {
    expect(() => recall({ pairs: 113 })).toThrow('pairs is 113; expected at most the 112 keys.');
    expect(() => recall({ pairs: [] })).toThrow(ConfigError);
    expect(() => recall({ pairs: '4' as unknown as number })).toThrow(ConfigError);
    expect(() => recall({ gaps: -1 })).toThrow(ConfigError);
    expect(() => recall({ joined: 1 as unknown as boolean })).toThrow('joined is 1; expected true or false.');
    for (const option of ['queries', 'keys', 'values', 'filler'] satisfies (keyof RecallOptions)[]) {
      expect(() => recall({ [option]: 0 })).toThrow(`${option} is 0`);
    }
    const example = async (context: number) => recall({ pairs: 4, gaps: 5 }).example(context, new Random(1, 'test'));
    await expect(example(19)).rejects.toThrow('context is 19; expected at least 20 for this recall task.');
    expect((await example(20)).answers.at(-1)!.at).toBe(19);
  });
});
