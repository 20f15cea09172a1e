import { ConfigError } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { averageLosses, averageRecall } from './average';
import { lossDifferences } from './difference';
import { lossOfStreams } from './lossOfStreams.cases';
import { PaceSums } from './pace';

const edges = [0, 2, 4];
const first = lossOfStreams(
  edges,
  [
    [1, 2],
    [3, 5],
    [7, 4],
  ],
  { bitsPerByte: 1, tokensPerSecond: 10 },
);
const second = lossOfStreams(
  edges,
  [
    [3, 2],
    [5, 7],
    [7, 4],
  ],
  { bitsPerByte: 2, tokensPerSecond: 30 },
);

describe('losses of several seeds', () => {
  it('are averaged stream by stream, so that errors and differences are those of the mean', () => {
    const mean = averageLosses([first, second]);
    const expected = lossOfStreams(edges, [
      [2, 2],
      [4, 6],
      [7, 4],
    ]);
    expect(mean.bins).toEqual(expected.bins);
    expect(mean).toMatchObject({ nats: expected.nats, stderr: expected.stderr, best: expected.best, runs: 2 });
    expect(mean).toMatchObject({ bitsPerByte: 1.5, tokensPerSecond: 20 });
    const [a, b] = [11 / 3, 5];
    expect(mean.spread[0]).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12);
  });

  it('are those of the run where there is one, without a spread', () => {
    expect(averageLosses([first])).toEqual({ ...first, runs: 1, spread: [null, null] });
  });

  it('are refused where the runs read something else', () => {
    expect(() => averageLosses([])).toThrow(ConfigError);
    expect(() =>
      averageLosses([
        first,
        lossOfStreams(
          [0, 1, 4],
          [
            [1, 2],
            [3, 5],
            [7, 4],
          ],
        ),
      ]),
    ).toThrow('the same bins');
    expect(() => averageLosses([first, lossOfStreams(edges, [[1, 2]])])).toThrow('did not read the same streams');
  });
});

describe('the difference of two models', () => {
  it('is paired: it shows where the losses themselves differ more from text to text', () => {
    const better = lossOfStreams(edges, [
      [0.9, 1.9],
      [2.9, 5.1],
      [6.9, 4],
    ]);
    const [bin, other] = lossDifferences(first, better);
    expect(bin).toMatchObject({ from: 0, to: 2, verdict: 'lower' });
    expect(bin!.nats).toBeCloseTo(-0.1, 12);
    expect(bin!.halfWidth).toBeLessThan(1e-12);
    expect(other!.verdict).toBe('none');
    expect(first.bins[0]!.stderr).toBeGreaterThan(1);
  });

  it('is that of the bins that both have, and of the same streams only', () => {
    const other = lossOfStreams(
      [0, 2, 3, 4],
      [
        [1, 2, 2],
        [3, 5, 5],
        [7, 4, 4],
      ],
    );
    expect(lossDifferences(first, other).map(({ from, to }) => [from, to])).toEqual([[0, 2]]);
    expect(() => lossDifferences(first, lossOfStreams(edges, [[1, 2]]))).toThrow(ConfigError);
  });
});

it('pace doubles from the first piece, over all groups, and ends at the length', () => {
  const sums = new PaceSums(70);
  for (const batch of [2, 1]) {
    for (let position = 0; position < 70; position += 10) {
      sums.add({ position, context: 10, batch, seconds: position < 20 ? 1 : 2, memoryBytes: batch * (100 + position) });
    }
  }
  expect(sums.rows()).toEqual([
    { to: 10, tokensPerSecond: 15, memoryBytes: 100 },
    { to: 20, tokensPerSecond: 15, memoryBytes: 110 },
    { to: 40, tokensPerSecond: 7.5, memoryBytes: 130 },
    { to: 70, tokensPerSecond: 7.5, memoryBytes: 160 },
  ]);
});

describe('recall of several seeds', () => {
  const row = (accuracy: number, stderr: number | null) => ({ accuracy, stderr, answers: 8 });
  const run = (accuracy: number, stderr: number | null, nats: number) => ({
    ...row(accuracy, stderr),
    ...{ examples: 4, length: 16, nats, stateBytes: 5, cacheBytes: 6 },
    byDistance: [{ from: 2, to: 4, ...row(accuracy, stderr) }],
    byCondition: { pairs: [{ value: 2, ...row(accuracy, stderr) }] },
  });

  it('is averaged, with the root of the mean square of the standard errors', () => {
    const expected = { accuracy: 0.75, stderr: Math.sqrt((0 + 0.02) / 2), answers: 8 };
    const average = averageRecall([run(1, 0, 1), run(0.5, Math.sqrt(0.02), 2)]);
    expect(average).toMatchObject({ ...expected, nats: 1.5, examples: 4, stateBytes: 5 });
    expect(average.byDistance).toEqual([{ from: 2, to: 4, ...expected }]);
    expect(average.byCondition).toEqual({ pairs: [{ value: 2, ...expected }] });
    expect(averageRecall([run(1, null, 1), run(0.5, 0.1, 2)]).stderr).toBeNull();
    expect(() => averageRecall([])).toThrow(ConfigError);
  });
});
