import { expect, it } from 'vitest';
import { ratioOf } from './benchmark';
import { benchmarks, select } from './registry';
import { figure, table } from './table';

it('names are unique, and a part of one is enough', () => {
  const names = benchmarks.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(select([]).chosen).toEqual(benchmarks);
  expect(select(['train']).chosen.map(({ name }) => name)).toEqual(['training']);
  expect(select(['matmul', 'nothing', 'coding']).unknown).toEqual(['nothing', 'coding']);
});

it('a ratio above 1 means that ours is better, whichever way the unit runs', () => {
  expect(ratioOf({ ours: 2, peer: 4, unit: 'ms' })).toBe(2);
  expect(ratioOf({ ours: 4, peer: 2, unit: 'GFLOP/s' })).toBe(2);
});

it('a table has columns of equal width', () => {
  const row = {
    name: 'a',
    backend: 'js',
    ours: 1,
    peer: 2,
    peerName: 'b',
    ratio: 0.5,
    unit: 'ms',
    node: 'v20',
  } as const;
  const lines = table([
    { ...row, shape: 'long shape' },
    { ...row, shape: 'x', ours: 12_345 },
  ]).split('\n');
  expect(lines.slice(1, 3).map((line) => line.indexOf('ms'))).toEqual([
    lines[0]!.indexOf('unit'),
    lines[0]!.indexOf('unit'),
  ]);
  expect([0.01234, 1.5, 12_345].map(figure)).toEqual(['0.0123', '1.50', '12,345']);
});
