import { ConfigError, OutOfMemoryError } from '@sympow/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch, Cursor, TokenSource } from './api';
import { trainingBatches } from './batches';
import { textSource } from './datasets/text';
import { DataError } from './errors';
import { tokenSource } from './source';

/** Token `t` of document `i` is 1000·i + t. */
function numbered(...lengths: number[]): TokenSource {
  const documents = lengths.map((length, i) => ({
    name: `${i}`,
    tokens: Int32Array.from({ length }, (_, t) => 1000 * i + t),
  }));
  return tokenSource(documents, { vocabSize: 1000 * lengths.length });
}

/** The same source, as a file or a server would answer: later, and not in order. */
function slow(source: TokenSource): TokenSource {
  return {
    ...source,
    read: async (document, from, to, out) => {
      for (let turns = to % 3; turns >= 0; turns--) await Promise.resolve();
      return source.read(document, from, to, out);
    },
  };
}

/** A batch of a source that answers at once. */
function now(batch: Batch | Promise<Batch>): Batch {
  if (batch instanceof Promise) throw new Error('the batch was to come at once');
  return batch;
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

describe('a batch that an engine cannot hold', () => {
  it.each([
    [1e8, 1],
    [1e8, 4],
    [1, 2 ** 40],
  ])('of %i rows of %i tokens is refused with its bytes, before anything of it is made', (batch, context) => {
    const source = tokenSource([{ name: 'zeros', tokens: new Int32Array(8) }], { vocabSize: 8 });
    expect(() => trainingBatches(source, { batch, context })).toThrow(OutOfMemoryError);
    expect(() => trainingBatches(source, { batch, context })).toThrow(
      /takes \d{10,} bytes; expected at most 2147483648/,
    );
  });
});

describe('a training batch', () => {
  it('has as targets the tokens that follow in the same document, and marks where documents begin', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 10 }), fc.nat(), (sizes, context, seed) => {
        fc.pre(sizes.some((size) => size > context));
        const batches = trainingBatches(numbered(...sizes), { batch: 5, context, seed });
        const { inputs, targets, resets, spans } = now(batches.next());
        expect(spans.reduce((sum, { length }) => sum + length, 0)).toBe(inputs.length);
        for (const { row, at, document, from, length } of spans) {
          for (let t = 0; t < length; t++) {
            const place = row * context + at + t;
            const position = from + t;
            expect(inputs[place]).toBe(1000 * document + position);
            expect(targets[place]).toBe(position + 1 < sizes[document]! ? 1000 * document + position + 1 : -1);
            expect(resets?.[place] ?? 0).toBe(at > 0 && t === 0 ? 1 : 0);
            if (at > 0 && t === 0) expect(from).toBe(0);
          }
        }
      }),
    );
  });

  it('is one window per row where every document is long enough', () => {
    const batches = trainingBatches(numbered(9, 30), { batch: 64, context: 8 });
    const { resets, spans, targets } = now(batches.next());
    expect(batches.packed).toBe(false);
    expect(resets).toBeUndefined();
    expect(spans).toHaveLength(64);
    expect(targets.includes(-1)).toBe(false);
  });

  it('packs documents that are too short, each with its beginning marked', () => {
    const batches = trainingBatches(numbered(3, 2), { batch: 1, context: 4, seed: 2 });
    expect(batches.packed).toBe(true);
    const { inputs, targets, resets } = now(batches.next());
    expect({ inputs: [...inputs], targets: [...targets], resets: [...resets!] }).toEqual({
      inputs: [2, 1000, 1001, 0],
      targets: [-1, 1001, -1, 1],
      resets: [0, 1, 0, 1],
    });
  });

  it('has `resets` in all batches of a source or in none', () => {
    const batches = trainingBatches(numbered(500, 3), { batch: 1, context: 4 });
    for (let step = 0; step < 50; step++) expect(now(batches.next()).resets).toBeDefined();
  });

  it('never uses documents of one token', () => {
    const batches = trainingBatches(numbered(1, 6, 1, 3), { batch: 100, context: 5 });
    for (const { document } of now(batches.next()).spans) expect([1, 3]).toContain(document);
  });

  it('is the same from a source that answers later', async () => {
    const sizes = [30, 3, 4, 100, 2];
    const direct = trainingBatches(numbered(...sizes), { batch: 7, context: 6, seed: 3 });
    const later = trainingBatches(slow(numbered(...sizes)), { batch: 7, context: 6, seed: 3 });
    // Both under way at once.
    const pair = [Promise.resolve(later.next()), Promise.resolve(later.next())];
    expect(await Promise.all(pair)).toEqual([now(direct.next()), now(direct.next())]);
  });

  it('rejects with the error of its source', async () => {
    const broken: TokenSource = { ...numbered(50), read: () => Promise.reject(new Error('the disk is gone')) };
    await expect(trainingBatches(broken, { batch: 2, context: 4 }).next()).rejects.toThrow('the disk is gone');
  });
});

describe('the law of sampling', () => {
  /** How often each token is a target, over its mean. */
  function weights(context: number, ...sizes: number[]): Map<number, number> {
    const batches = trainingBatches(numbered(...sizes), { batch: 2000, context, seed: 11 });
    const counts = new Map<number, number>();
    let sum = 0;
    for (let step = 0; step < 10; step++) {
      for (const id of now(batches.next()).targets) {
        if (id < 0) continue;
        counts.set(id, (counts.get(id) ?? 0) + 1);
        sum++;
      }
    }
    const targets = sizes.reduce((total, size) => total + Math.max(size - 1, 0), 0);
    expect(counts.size).toBe(targets);
    return new Map([...counts].map(([id, count]) => [id, (count * targets) / sum]));
  }

  it('gives every token of packed documents the same weight', () => {
    for (const weight of weights(8, 3, 5, 2, 8, 7).values()) expect(Math.abs(weight - 1)).toBeLessThan(0.05);
  });

  it('gives packed and long documents the same weight per token', () => {
    const byToken = weights(8, 9, 5, 8, 9, 4);
    for (const weight of byToken.values()) expect(Math.abs(weight - 1)).toBeLessThan(0.08);
  });

  it('gives tokens further than the context from both ends the same weight', () => {
    const byToken = weights(8, 60, 100);
    for (const [id, weight] of byToken) {
      const [document, t] = [Math.floor(id / 1000), id % 1000];
      if (t > 8 && t < [60, 100][document]! - 8) expect(Math.abs(weight - 1)).toBeLessThan(0.12);
    }
  });

  it.each([9, 10, 12, 15, 16, 17, 18, 24, 33])('at context 8, a document of %i: between half and twice', (length) => {
    for (const weight of weights(8, length, 40).values()) {
      expect(weight).toBeGreaterThan(0.45);
      expect(weight).toBeLessThan(2.1);
    }
  });
});

describe('resuming', () => {
  const options = { batch: 3, context: 5, seed: 42 };
  const source = numbered(40, 3, 4, 12);

  it('goes on with exactly the next batch, through JSON', () => {
    const whole = trainingBatches(source, options);
    for (let step = 0; step < 6; step++) {
      const cursor = JSON.parse(JSON.stringify(whole.cursor())) as Cursor;
      const next = whole.next();
      expect(trainingBatches(source, { ...options, cursor }).next()).toEqual(next);
    }
  });

  it('takes the seed from the cursor', () => {
    const first = trainingBatches(source, options);
    now(first.next());
    const { batch, context } = options;
    expect(trainingBatches(source, { batch, context, cursor: first.cursor() }).next()).toEqual(first.next());
  });

  it('draws the same rows in batches of any size', () => {
    const rows = (batch: number, steps: number) => {
      const batches = trainingBatches(source, { ...options, batch });
      return Array.from({ length: steps }, () => [...now(batches.next()).inputs]).flat();
    };
    expect(rows(2, 6)).toEqual(rows(12, 1));
    expect(rows(3, 4)).toEqual(rows(12, 1));
  });

  it('draws what earlier versions drew', () => {
    const batches = trainingBatches(numbered(1000), { batch: 6, context: 16, seed: 1 });
    expect(now(batches.next()).spans.map(({ from }) => from)).toEqual([402, 499, 26, 625, 406, 88]);
  });

  it('differs from seed to seed', () => {
    const inputs = (seed: number) => now(trainingBatches(source, { ...options, seed }).next()).inputs;
    expect(inputs(1)).not.toEqual(inputs(2));
  });

  it.each([
    ['version', { version: 2 }],
    ['seed', { seed: 1 }],
    ['context', { context: 6 }],
    ['documents', { documents: 3 }],
    ['tokens', { tokens: 60 }],
    ['row', { row: -1 }],
    ['row', { row: 0.5 }],
  ])('refuses a cursor of another %s', (key, change) => {
    const cursor = { ...trainingBatches(source, options).cursor(), ...change } as Cursor;
    expect(() => trainingBatches(source, { ...options, cursor })).toThrow(DataError);
    expect(() => trainingBatches(source, { ...options, cursor })).toThrow(`${key} of the cursor is`);
  });

  it('refuses what is no cursor', () => {
    expect(() => trainingBatches(source, { ...options, cursor: null as unknown as Cursor })).toThrow(DataError);
  });
});

describe('too little text', () => {
  it('names the longest context that it would do for', () => {
    const source = textSource('x'.repeat(121), { name: 'poem' });
    expect(() => trainingBatches(source, { batch: 1, context: 512 })).toThrow(
      'context is 512; expected at most 120, as poem holds 121 tokens (documents: 1). Use a shorter context or more text.',
    );
    expect(trainingBatches(source, { batch: 1, context: 120 }).next()).toMatchObject({ context: 120 });
  });

  it('counts what can be packed', () => {
    expect(() => trainingBatches(numbered(3, 1, 4), { batch: 1, context: 7 })).toThrow('expected at most 6');
    expect(trainingBatches(numbered(3, 1, 4), { batch: 1, context: 6 }).packed).toBe(true);
  });

  it('says so where there is nothing to predict', () => {
    expect(() => trainingBatches(numbered(1, 1), { batch: 1, context: 1 })).toThrow(
      'tokens holds 2 tokens (documents: 2); expected at least one document of 2 tokens or more. Use more text.',
    );
  });

  it.each([0, -1, 1.5, NaN])('%s is no batch, no context and no seed', (bad) => {
    expect(() => trainingBatches(numbered(9), { batch: bad, context: 2 })).toThrow(ConfigError);
    expect(() => trainingBatches(numbered(9), { batch: 1, context: bad })).toThrow(ConfigError);
    if (bad !== 0) expect(() => trainingBatches(numbered(9), { batch: 1, context: 2, seed: bad })).toThrow(ConfigError);
  });
});
