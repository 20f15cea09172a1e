import { Random } from '@sympow/core';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Batch, TokenSource } from './api';
import { trainingBatches } from './batches';
import { DataError } from './errors';
import { joinSources, tokenSource } from './source';
import { heldOut } from './split';
import { evaluationStreams } from './streams';
import { passkey } from './tasks/passkey';

const tokens = Uint8Array.from({ length: 60 }, (_, i) => i + 1);
const told = tokenSource(
  ['a', 'b'].map((name) => ({ name, tokens })),
  { vocabSize: 256 },
);
type Answer = (from: number, to: number, out: Int32Array) => unknown;

/** A source that somebody else wrote. */
function foreign(answer: Answer): TokenSource {
  const read = (_: number, from: number, to: number, out = new Int32Array(to - from)) => answer(from, to, out);
  return { ...told, read: read as TokenSource['read'] };
}

const own = (from: number, to: number) => Int32Array.from(tokens.subarray(from, to));
const thenable = (value: unknown) => ({ then: (done: (value: unknown) => void) => setTimeout(done, 0, value) });
const right: Record<string, Answer> = {
  'an array of its own': own,
  'a promise of one': async (from, to) => own(from, to),
  'plain numbers': (from, to) => [...own(from, to)],
  'numbers of another class': (from, to) => tokens.subarray(from, to),
  'a thenable': (from, to) => thenable(own(from, to)),
  'a thenable that fills out': (from, to, out) => {
    out.set(own(from, to));
    return thenable(out);
  },
  'a promise of another realm': (from, to, out) =>
    runInNewContext('Promise.resolve().then(fill)', {
      fill: () => {
        out.set(own(from, to));
        return out;
      },
    }) as unknown,
  'an array of another realm': (from, to) =>
    runInNewContext('Int32Array.from(numbers)', { numbers: [...own(from, to)] }) as unknown,
};
const wrong: Record<string, Answer> = {
  nothing: () => undefined,
  'too few': (from, to) => own(from, to).subarray(1),
  'too many': (from, to) => [...own(from, to), 1],
  fractions: (from, to) => [...own(from, to)].map((id) => id + 0.5),
  'a text': () => 'text',
  'a promise of nothing': async () => undefined,
  'a thenable of too few': (from, to) => thenable(own(from, to).subarray(1)),
};

/** Everything that reads a source, and what it comes to. */
const readers: Record<string, (source: TokenSource) => Promise<unknown>> = {
  batches: async (source) => (await trainingBatches(source, { batch: 2, context: 8, seed: 3 }).next()).inputs,
  'packed batches': async (source) =>
    (await trainingBatches(source, { batch: 2, context: 80, seed: 3 }).next()).targets,
  'batches by chunks': async (source) =>
    (await trainingBatches(source, { batch: 2, context: 8, order: 'chunks' }).next()).inputs,
  streams: async (source) => {
    const pieces: Batch[] = [];
    for await (const group of evaluationStreams(source, { length: 20, batch: 2 })) {
      for await (const piece of group.pieces(7)) pieces.push(piece);
    }
    return pieces.map(({ targets }) => targets);
  },
  'a split': async (source) => heldOut(source).train.read(0, 3, 9),
  'a join': async (source) => joinSources([source, told]).read(0, 3, 9),
  'the filler of a task': async (source) =>
    (await passkey({}, { filler: source }).example(200, new Random(1, 'x'))).tokens,
};

describe.each(Object.entries(readers))('%s', (_, reader) => {
  it.each(Object.entries(right))('takes %s as an answer', async (_, answer) => {
    expect(await reader(foreign(answer))).toEqual(await reader(told));
  });

  it.each(Object.entries(wrong))('refuses %s', async (_, answer) => {
    const failure = (async () => reader(foreign(answer)))();
    await expect(failure).rejects.toThrow(DataError);
    await expect(failure).rejects.toThrow(
      /^tokens.* answered a read with .*; expected `out`, filled, or an array of whole numbers/,
    );
  });
});
