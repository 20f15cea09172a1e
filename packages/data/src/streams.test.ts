import { ConfigError } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import type { EvaluationStreams, EvaluationStreamsOptions, StreamPiece, TokenSource } from './api';
import { DataError } from './errors';
import { tokenSource } from './source';
import { evaluationStreams } from './streams';

/** Token `t` of document `i` is 1000·i + t. */
function numbered(...lengths: number[]): TokenSource {
  const documents = lengths.map((length, i) => ({
    name: `${i}`,
    tokens: Int32Array.from({ length }, (_, t) => 1000 * i + t),
  }));
  return tokenSource(documents, { vocabSize: 1000 * lengths.length });
}

/** The inputs and targets of every stream, put together from pieces. */
async function join(streams: EvaluationStreams, size: number): Promise<{ inputs: number[]; targets: number[] }[]> {
  const joined = [];
  for await (const group of streams) {
    const rows = Array.from({ length: group.batch }, () => ({ inputs: [] as number[], targets: [] as number[] }));
    let at = 0;
    for await (const { batch, context, inputs, targets, position } of group.pieces(size)) {
      expect([batch, position]).toEqual([group.batch, at]);
      rows.forEach((row, r) => {
        row.inputs.push(...inputs.subarray(r * context, (r + 1) * context));
        row.targets.push(...targets.subarray(r * context, (r + 1) * context));
      });
      at += context;
    }
    expect(at).toBe(group.length);
    joined.push(...rows);
  }
  return joined;
}

async function starts(source: TokenSource, options: EvaluationStreamsOptions): Promise<(number | undefined)[]> {
  return (await join(evaluationStreams(source, options), 100)).map(({ inputs }) => inputs[0]);
}

describe('evaluation streams', () => {
  it('are runs of length + 1 tokens from the start of each document, without overlap', async () => {
    expect(await starts(numbered(11, 3, 4, 8), { length: 3 })).toEqual([0, 4, 2000, 3000, 3004]);
  });

  it.each([1, 2, 3, 6, 7, 8])('are the same in pieces of %i', async (size) => {
    const streams = evaluationStreams(numbered(16, 8, 5), { length: 7, batch: 2 });
    expect(streams.count).toBe(3);
    const range = (from: number) => Array.from({ length: 7 }, (_, t) => from + t);
    expect(await join(streams, size)).toEqual(
      [0, 8, 1000].map((from) => ({ inputs: range(from), targets: range(from + 1) })),
    );
  });

  it('come in groups of at most the batch', async () => {
    const sizes: number[] = [];
    for await (const { batch, spans } of evaluationStreams(numbered(35), { length: 4, batch: 3 })) {
      expect(spans).toHaveLength(batch);
      sizes.push(batch);
    }
    expect(sizes).toEqual([3, 3, 1]);
  });

  it('are spread evenly where there is a maximum', async () => {
    const source = numbered(8, 8, 8, 8);
    expect(await starts(source, { length: 1, maximum: 4 })).toEqual([0, 1000, 2000, 3000]);
    expect(await starts(source, { length: 3, maximum: 3, batch: 2 })).toEqual([0, 1000, 2004]);
    expect(await starts(source, { length: 7, maximum: 99 })).toEqual([0, 1000, 2000, 3000]);
  });

  it('can be read again, streams and pieces alike', async () => {
    const streams = evaluationStreams(numbered(20), { length: 4, batch: 2 });
    expect(await join(streams, 3)).toEqual(await join(streams, 3));
    for await (const group of streams) {
      const first: StreamPiece[] = [];
      for await (const piece of group.pieces(2)) first.push(piece);
      for await (const piece of group.pieces(2)) expect(piece).toEqual(first[piece.position / 2]);
    }
  });

  it('of a million tokens never hold more than a piece', async () => {
    const tokens = new Uint8Array(2_000_002);
    const whole = tokenSource([{ name: 'long', tokens }], { vocabSize: 1 });
    let largest = 0;
    const source: TokenSource = {
      ...whole,
      read(document, from, to, out) {
        largest = Math.max(largest, to - from);
        return whole.read(document, from, to, out);
      },
    };
    let predictions = 0;
    for await (const group of evaluationStreams(source, { length: 1_000_000, batch: 2 })) {
      for await (const { targets } of group.pieces(4096)) predictions += targets.length;
    }
    expect(predictions).toBe(2_000_000);
    expect(largest).toBe(4097);
  });

  it('need a document that is long enough', () => {
    expect(() => evaluationStreams(numbered(5, 9), { length: 9 })).toThrow(DataError);
    expect(() => evaluationStreams(numbered(5, 9), { length: 9 })).toThrow(
      'length of the streams is 9; expected at most 8, as the longest document of tokens holds 9 tokens. Use shorter',
    );
  });

  it.each([0, -1, 1.5])('%s is no length, batch, maximum or size of a piece', async (bad) => {
    const source = numbered(9);
    expect(() => evaluationStreams(source, { length: bad })).toThrow(ConfigError);
    expect(() => evaluationStreams(source, { length: 1, batch: bad })).toThrow(ConfigError);
    expect(() => evaluationStreams(source, { length: 1, maximum: bad })).toThrow(ConfigError);
    for await (const group of evaluationStreams(source, { length: 8 })) {
      expect(() => group.pieces(bad)).toThrow(ConfigError);
    }
  });
});
