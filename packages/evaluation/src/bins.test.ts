import { ConfigError } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { StreamLoss } from './api';
import { bestBin, binEdges, binLosses, meanOverStreams, StreamSums } from './bins';
import { difference, studentQuantile } from './difference';

const stream = (nats: number[], counts: number[]): StreamLoss => ({ document: 0, from: 0, nats, counts });

describe('edges of the bins', () => {
  it('double from the first to the length', () => {
    expect(binEdges(1024, {})).toEqual([0, 64, 128, 256, 512, 1024]);
    expect(binEdges(8, { first: 1 })).toEqual([0, 1, 2, 4, 8]);
    expect(binEdges(100, { first: 10 })).toEqual([0, 10, 20, 40, 100]);
    expect(binEdges(64, {})).toEqual([0, 64]);
    expect(binEdges(1, {})).toEqual([0, 1]);
    expect(binEdges(2 ** 20, {}).at(-2)).toBe(2 ** 19);
  });

  it('hold the edges asked for, instead of close ones', () => {
    expect(binEdges(1024, { edges: [256, 5000] })).toEqual([0, 64, 128, 256, 512, 1024]);
    expect(binEdges(1000, { edges: [100, 300] })).toEqual([0, 64, 100, 300, 512, 1000]);
    expect(binEdges(1000, { edges: [300, 301, 300] })).toEqual([0, 64, 128, 300, 301, 512, 1000]);
  });

  it.each([0, -1, 1.5, NaN, Infinity])('%s is none', (bad) => {
    expect(() => binEdges(100, { first: bad })).toThrow(ConfigError);
    expect(() => binEdges(100, { edges: [bad] })).toThrow(ConfigError);
  });
});

describe('sums of a stream', () => {
  const losses = Float32Array.from({ length: 11 }, (_, i) => i);

  it.each([1, 2, 3, 4, 11])('are the same in pieces of %i', (size) => {
    const sums = new StreamSums([0, 2, 4, 8, 11]);
    for (let at = 0; at < 11; at += size) {
      const piece = losses.subarray(at, at + size);
      sums.add(at, piece, new Int32Array(piece.length));
    }
    expect(sums.means()).toEqual({ nats: [0.5, 2.5, 5.5, 9], counts: [2, 2, 4, 3] });
  });

  it('leave out negative targets', () => {
    const sums = new StreamSums([0, 2, 4, 11]);
    sums.add(
      0,
      losses,
      losses.map((_, i) => (i === 3 || i < 2 ? -1 : 0)),
    );
    expect(sums.means()).toEqual({ nats: [NaN, 2, 7], counts: [0, 1, 7] });
  });
});

describe('means over streams', () => {
  it('are those of the tokens, with the standard error of the streams', () => {
    const mean = meanOverStreams([2, 3, 7].map((nats, document) => ({ document, nats, count: 5 })));
    expect(mean.nats).toBe(4);
    expect(mean.count).toBe(15);
    // Deviations −2, −1, 3: variance 14/2, over 3 streams.
    expect(mean.stderr).toBeCloseTo(Math.sqrt(7 / 3), 12);
  });

  it('weigh streams by their tokens', () => {
    const mean = meanOverStreams([
      { document: 0, nats: 1, count: 3 },
      { document: 1, nats: 5, count: 1 },
      { document: 2, nats: NaN, count: 0 },
    ]);
    expect(mean).toEqual({ nats: 2, count: 4, stderr: Math.sqrt(2 * (3 ** 2 + 3 ** 2)) / 4, units: 2 });
  });

  it('take the streams of one document as one observation, unless there is no other', () => {
    const [a, b] = [0, 1].map((document) => ({ document, nats: 2 + 2 * document, count: 5 }));
    const twice = meanOverStreams([a!, a!, b!, b!]);
    expect(twice).toEqual({ ...meanOverStreams([a!, b!]), count: 20 });
    expect(twice.stderr).toBeCloseTo(1, 12);
    expect(meanOverStreams([a!, { ...b!, document: 0 }])).toEqual(meanOverStreams([a!, b!]));
  });

  it('have no error for fewer than two streams, or where a number is not finite', () => {
    expect(meanOverStreams([{ document: 0, nats: 2, count: 9 }])).toEqual({
      nats: 2,
      stderr: null,
      count: 9,
      units: 1,
    });
    expect(meanOverStreams([])).toEqual({ nats: NaN, stderr: null, count: 0, units: 0 });
    const broken = [1, Infinity].map((nats, document) => ({ document, nats, count: 1 }));
    expect(meanOverStreams(broken)).toMatchObject({ nats: Infinity, stderr: null, count: 2 });
  });

  it('make a row for every bin, and the best of the finite ones', () => {
    const streams = [stream([3, 1, NaN], [2, 2, 0]), stream([5, 2, NaN], [2, 2, 0])];
    const bins = binLosses([0, 2, 4, 5], streams);
    expect(bins).toEqual([
      { from: 0, to: 2, nats: 4, stderr: 1, count: 4 },
      { from: 2, to: 4, nats: 1.5, stderr: 0.5, count: 4 },
      { from: 4, to: 5, nats: NaN, stderr: null, count: 0 },
    ]);
    expect(bestBin(bins)).toBe(bins[1]);
    expect(bestBin(bins.slice(2))).toBe(null);
  });
});

describe('differences', () => {
  it('are paired: a steady change shows between texts that differ a lot', () => {
    const streams = [1, 2, 3, 4].map((hard) => stream([hard, hard + 0.1 + 0.001 * hard], [8, 8]));
    const { nats, halfWidth, verdict } = difference(streams, [0], [1]);
    expect(nats).toBeCloseTo(0.1025, 12);
    expect(halfWidth).toBeCloseTo((3.182 * Math.sqrt(5 / 3) * 0.001) / 2, 9);
    expect(verdict).toBe('higher');
    expect(difference(streams, [1], [0]).verdict).toBe('lower');
  });

  it('are none where the streams disagree, and unknown for one stream', () => {
    const streams = [stream([1, 1.2], [1, 1]), stream([1, 0.9], [1, 1])];
    expect(difference(streams, [0], [1]).verdict).toBe('none');
    expect(difference(streams.slice(1), [0], [1])).toMatchObject({ stderr: null, verdict: 'unknown' });
  });

  it('go by quantiles of Student’s t', () => {
    const exact = new Map([
      [1, 12.706],
      [10, 2.228],
      [11, 2.201],
      [30, 2.042],
      [1000, 1.962],
    ]);
    for (const [freedom, quantile] of exact) expect(Math.abs(studentQuantile(freedom) - quantile)).toBeLessThan(0.003);
  });
});
