import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cursor, TokenSource } from './api';
import { trainingBatches } from './batches';
import { DataError } from './errors';
import { tokenSource } from './source';
import { heldOut } from './split';

/** Documents in chunks of `rows` documents and `columns` tokens; notes which chunk each read touches. */
function inChunks(lengths: readonly number[], rows: number, columns: number) {
  let next = 0;
  const documents = lengths.map((length, i) => ({ name: `${i}`, tokens: Int32Array.from({ length }, () => next++) }));
  const inner = tokenSource(documents, { vocabSize: Math.max(next, 1) });
  const touched: string[] = [];
  const source: TokenSource = {
    ...inner,
    chunks: { tokens: columns, rowOf: (document) => Math.floor(document / rows) },
    read(document, from, to, out) {
      for (let column = Math.floor(from / columns); column * columns < to; column++) {
        touched.push(`${Math.floor(document / rows)}.${column}`);
      }
      return inner.read(document, from, to, out);
    },
  };
  return { source, touched };
}

const shapes = fc.record({
  lengths: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 }),
  rows: fc.integer({ min: 1, max: 5 }),
  context: fc.integer({ min: 1, max: 12 }),
  seed: fc.nat(),
});

describe('reading chunk by chunk', () => {
  it('finds any row of documents of any length in an instant', async () => {
    const { source } = inChunks([100, 60], 2, 16);
    const lengths = [2 ** 44, 2 ** 43];
    const long: TokenSource = {
      ...source,
      tokenCount: lengths[0]! + lengths[1]!,
      documentLength: (document) => lengths[document]!,
      read: (_, from, to, out) => (out ?? new Int32Array(to - from)).fill(0),
    };
    const rowOf = async (row: number) => {
      const cursor = trainingBatches(long, { batch: 1, context: 8 }).cursor();
      const { spans } = await trainingBatches(long, { batch: 1, context: 8, cursor: { ...cursor, row } }).next();
      return spans[0]!;
    };
    // Both documents have windows in the first half of the longer one, and it alone in the second.
    const places = await Promise.all([2 ** 40, 2 ** 40 + 1].map(rowOf));
    expect(places.map(({ document }) => document).sort()).toEqual([0, 1]);
    for (const { from } of places) expect(Math.floor(from / 8)).toBe(2 ** 39);
    const { document, from } = await rowOf(2 ** 41 + 2 ** 39);
    expect(document).toBe(0);
    expect(Math.floor(from / 8)).toBe(2 ** 41 + 2 ** 39 - 2 ** 40 + 1);
  });

  it('makes every token a target once a pass, but for what is left over at the ends of a document', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ lengths, rows, context, seed }) => {
        const { source } = inChunks(lengths, rows, 16);
        const windows = lengths.map((length) => Math.max(0, Math.floor((length - 1) / context)));
        const total = windows.reduce((a, b) => a + b);
        fc.pre(total > 0);
        const batches = trainingBatches(source, { batch: total, context, seed });
        expect(batches.packed).toBe(false);
        for (let pass = 0; pass < 2; pass++) {
          const { inputs, targets } = await batches.next();
          const seen = [...targets].sort((a, b) => a - b);
          expect(new Set(seen).size).toBe(total * context);
          expect(inputs.every((id, i) => targets[i] === id + 1)).toBe(true);
        }
      }),
    );
  });

  it('needs each chunk for rows that follow each other', async () => {
    const { source, touched } = inChunks(
      Array.from({ length: 40 }, () => 129),
      8,
      32,
    );
    const batches = trainingBatches(source, { batch: 4, context: 16, seed: 3 });
    // 40 documents of 8 windows: a pass.
    for (let step = 0; step < 80; step++) await batches.next();
    const last = new Map<string, number>();
    const first = new Map<string, number>();
    for (const [i, chunk] of touched.entries()) {
      last.set(chunk, i);
      if (!first.has(chunk)) first.set(chunk, i);
    }
    // A chunk has 2 columns of windows and what lies across its borders: 3 columns of 8 documents, 2 chunks touched by some.
    for (const [chunk, at] of first) expect(last.get(chunk)! - at).toBeLessThan(8 * 2 * 4);
    expect(first.size).toBe(5 * 5);
  });

  it('is another order at another seed, and in another pass', async () => {
    const { source } = inChunks([100, 100, 100, 100], 2, 32);
    const order = async (seed: number, skip: number) => {
      const batches = trainingBatches(source, { batch: 36, context: 11, seed });
      for (let i = 0; i < skip; i++) await batches.next();
      return (await batches.next()).spans.map(({ document }) => document).join();
    };
    expect(await order(1, 0)).toBe(await order(1, 0));
    expect(new Set([await order(1, 0), await order(2, 0), await order(1, 1)]).size).toBe(3);
  });

  it('goes on from a cursor, with any batch size', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 0, max: 30 }), async ({ lengths, rows, context, seed }, skip) => {
        const { source } = inChunks([...lengths, 40], rows, 16);
        const single = trainingBatches(source, { batch: 1, context, seed });
        for (let i = 0; i < skip; i++) await single.next();
        const cursor = JSON.parse(JSON.stringify(single.cursor())) as Cursor;
        const { inputs } = await trainingBatches(source, { batch: 5, context, cursor }).next();
        const expected: number[] = [];
        for (let i = 0; i < 5; i++) expected.push(...(await single.next()).inputs);
        expect([...inputs]).toEqual(expected);
      }),
    );
    const { source } = inChunks([40], 1, 16);
    const cursor = trainingBatches(source, { batch: 1, context: 4 }).cursor();
    expect(() => trainingBatches(source, { batch: 1, context: 4, cursor, order: 'random' })).toThrow(DataError);
  });

  it('never reaches what is held out, by tail or by documents', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom('tail', 'documents'), async ({ lengths, rows, context, seed }, by) => {
        // More documents longer than the context than are ever held out.
        const { source } = inChunks([...lengths, ...Array<number>(6).fill(60)], rows, 16);
        const { train, heldOut: rest } = heldOut(source, { by, fraction: 0.3, seed });
        const kept = new Set<number>();
        for (let i = 0; i < rest.documentCount; i++) {
          for (const id of await rest.read(i, 0, rest.documentLength(i))) kept.add(id);
        }
        const batches = trainingBatches(train, { batch: 4, context, seed });
        expect(batches.cursor().order).toBe('chunks');
        for (let step = 0; step < 30; step++) {
          const { inputs, targets } = await batches.next();
          for (const id of [...inputs, ...targets]) expect(kept.has(id)).toBe(false);
        }
      }),
    );
  });

  it('needs a document longer than the context', () => {
    const { source } = inChunks([10, 12], 2, 16);
    expect(() => trainingBatches(source, { batch: 1, context: 12 })).toThrow(/context is 12; expected at most 11/);
    expect(() => trainingBatches(source, { batch: 1, context: 12, order: 'random' })).not.toThrow();
    expect(() => trainingBatches(source, { batch: 1, context: 4, order: 'best' as 'chunks' })).toThrow(
      'order is "best"',
    );
  });
});
