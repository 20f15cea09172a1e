import { ConfigError } from '@sympow/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeldOutOptions, TokenSource } from './api';
import { trainingBatches } from './batches';
import { textSource } from './datasets/text';
import { DataError } from './errors';
import { tokenSource } from './source';
import { heldOut } from './split';
import { evaluationStreams } from './streams';

/** Documents in which every token has an id of its own, so that an id tells where it comes from. */
function distinct(lengths: readonly number[]): TokenSource {
  let next = 0;
  const documents = lengths.map((length, i) => ({
    name: `document ${i}`,
    tokens: Int32Array.from({ length }, () => next++),
  }));
  return tokenSource(documents, { vocabSize: Math.max(next, 1) });
}

async function tokensOf(source: TokenSource): Promise<number[]> {
  const all: number[] = [];
  for (let document = 0; document < source.documentCount; document++) {
    all.push(...(await source.read(document, 0, source.documentLength(document))));
  }
  return all;
}

const lengths = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 8 });
const options = fc.record<Required<HeldOutOptions>>({
  fraction: fc.double({ min: 0.02, max: 0.98, noNaN: true }),
  by: fc.constantFrom('tail', 'documents'),
  seed: fc.nat(),
});

/** What was asked for, or undefined where there is too little text for it. */
function unlessTooShort<X>(make: () => X): X | undefined {
  try {
    return make();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return undefined;
  }
}

describe('what is held out', () => {
  it('and what is trained on are every token once', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, options, async (sizes, how) => {
        const source = distinct(sizes);
        const parts = unlessTooShort(() => heldOut(source, how));
        fc.pre(parts !== undefined);
        const train = await tokensOf(parts.train);
        const rest = await tokensOf(parts.heldOut);
        expect([train.length, rest.length]).toEqual([parts.train.tokenCount, parts.heldOut.tokenCount]);
        expect([...train, ...rest].sort((a, b) => a - b)).toEqual(await tokensOf(source));
      }),
    );
  });

  it('is not split by an option that there is not', () => {
    const typo = { fractoin: 0.5 } as HeldOutOptions;
    expect(() => heldOut(textSource('0123456789'), typo)).toThrow(ConfigError);
    expect(() => heldOut(textSource('0123456789'), typo)).toThrow('heldOut has no option "fractoin"');
  });

  it('never reaches a training batch, as an input or as a target, at any seed and context', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, options, fc.integer({ min: 1, max: 12 }), async (sizes, how, context) => {
        const parts = unlessTooShort(() => heldOut(distinct(sizes), how));
        fc.pre(parts !== undefined);
        const { seed } = how;
        const batches = unlessTooShort(() => trainingBatches(parts.train, { batch: 4, context, seed }));
        fc.pre(batches !== undefined);
        const kept = new Set(await tokensOf(parts.heldOut));
        for (let step = 0; step < 8; step++) {
          const { inputs, targets } = await batches.next();
          for (const id of [...inputs, ...targets]) expect(kept.has(id)).toBe(false);
        }
      }),
    );
  });

  it('is all that evaluation sees', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, options, fc.integer({ min: 1, max: 5 }), async (sizes, how, length) => {
        const parts = unlessTooShort(() => heldOut(distinct(sizes), how));
        fc.pre(parts !== undefined);
        const streams = unlessTooShort(() => evaluationStreams(parts.heldOut, { length, batch: 3 }));
        fc.pre(streams !== undefined);
        const trained = new Set(await tokensOf(parts.train));
        for await (const group of streams) {
          for await (const { inputs, targets } of group.pieces(2)) {
            for (const id of [...inputs, ...targets]) expect(trained.has(id)).toBe(false);
          }
        }
      }),
    );
  });

  it('ends at the border: the last token trained on has no target in any batch', async () => {
    const { train } = heldOut(distinct([20]), { fraction: 0.5 });
    const batches = trainingBatches(train, { batch: 8, context: 3, seed: 5 });
    const targets = new Set<number>();
    for (let step = 0; step < 50; step++) for (const id of (await batches.next()).targets) targets.add(id);
    expect([...targets].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('by tail', () => {
  it('the last tenth of every document is held out, rounded', async () => {
    const { train, heldOut: rest } = heldOut(distinct([10, 24, 4, 26]));
    expect(await tokensOf(rest)).toEqual([9, 32, 33, 61, 62, 63]);
    expect(train.documentCount).toBe(4);
    expect([rest.documentCount, rest.documentName(1), rest.name]).toEqual([3, 'document 1', 'tokens (held out)']);
  });

  it('does not depend on the seed', () => {
    const sizes = [13, 40];
    expect(heldOut(distinct(sizes), { seed: 1 }).train.tokenCount).toBe(heldOut(distinct(sizes)).train.tokenCount);
  });
});

describe('by documents', () => {
  const texts = Array.from({ length: 40 }, (_, i) => ({ name: `chapter ${i}.txt`, text: `text ${i}` }));
  const heldNames = (documents: typeof texts, seed: number) => {
    const { heldOut: rest } = heldOut(textSource(documents), { by: 'documents', fraction: 0.25, seed });
    return Array.from({ length: rest.documentCount }, (_, i) => rest.documentName(i)).sort();
  };

  it('holds out that share of them, whatever their order', () => {
    expect(heldNames(texts, 3)).toHaveLength(10);
    expect(heldNames([...texts].reverse(), 3)).toEqual(heldNames(texts, 3));
  });

  it('picks others at another seed, and each about equally often', () => {
    const picks = new Map<string, number>();
    for (let seed = 0; seed < 400; seed++) {
      for (const name of heldNames(texts, seed)) picks.set(name, (picks.get(name) ?? 0) + 1);
    }
    // Binomial with mean 100 and deviation 8.7; four deviations either way.
    expect(picks.size).toBe(40);
    for (const count of picks.values()) expect(Math.abs(count - 100)).toBeLessThan(35);
  });

  it('moves one document at most when one is added', () => {
    const before = new Set(heldNames(texts, 7));
    const after = heldNames([...texts, { name: 'appendix.txt', text: 'x' }], 7);
    expect(after.filter((name) => !before.has(name)).length).toBeLessThanOrEqual(1);
  });

  it('holds out at least one and never all', () => {
    expect(heldOut(distinct([5, 5]), { by: 'documents', fraction: 0.01 }).heldOut.documentCount).toBe(1);
    expect(heldOut(distinct([5, 5]), { by: 'documents', fraction: 0.99 }).train.documentCount).toBe(1);
  });

  it('counts empty documents on neither side, at any seed', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { train, heldOut: rest } = heldOut(distinct([0, 5, 0, 5, 0, 5, 0]), { by: 'documents', seed });
      expect([train.tokenCount, rest.tokenCount]).toEqual([10, 5]);
    }
  });

  it('needs two that hold tokens', () => {
    expect(() => heldOut(distinct([100, 0]), { by: 'documents' })).toThrow(
      'documents of tokens that hold tokens is 1; expected at least 2. ' +
        "Hold out the end of every document instead: by: 'tail'.",
    );
  });
});

describe('refusals', () => {
  it.each([0, 1, -0.5, NaN, 10])('%s is no fraction', (fraction) => {
    expect(() => heldOut(distinct([10]), { fraction })).toThrow(ConfigError);
  });

  it('names the part that would be empty', () => {
    expect(() => heldOut(distinct([4, 3]))).toThrow(
      'tokens (held out) would hold none of the 7 tokens; expected at least 1 on either side.',
    );
  });

  it('knows no other way to split', () => {
    expect(() => heldOut(distinct([10]), { by: 'heads' as 'tail' })).toThrow('by is "heads"; expected "tail" or');
  });
});
