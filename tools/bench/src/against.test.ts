import { expect, it } from 'vitest';
import { compare, isSlower } from './against';
import type { Row } from './benchmark';
import { comparison } from './table';

const row = (ours: number, unit: Row['unit'] = 'ms', name = 'a'): Row => ({
  ...{ name, shape: 'T=1', backend: 'js', ours, peer: 1, peerName: 'b', ratio: 1, unit, node: 'v20' },
});

it('rows of both are compared by median and by best round, whichever way the unit runs', () => {
  const [time] = compare([row(4), row(2), row(3)], [row(6), row(9), row(5)]);
  expect(time).toMatchObject({ ours: 3, theirs: 6, ratio: 2, best: 2.5 });
  const [rate] = compare([row(3, 'tokens/s'), row(1, 'tokens/s')], [row(1, 'tokens/s'), row(1, 'tokens/s')]);
  expect(rate).toMatchObject({ ours: 2, theirs: 1, ratio: 2, best: 3 });
});

it('a row that only one of them has is left out', () => {
  expect(compare([row(1, 'ms', 'new')], [row(1, 'ms', 'old')])).toEqual([]);
});

it('slower is what loses by the medians and by the best rounds', () => {
  expect(isSlower({ ratio: 0.9, best: 0.96 })).toBe(true);
  expect(isSlower({ ratio: 0.9, best: 0.98 })).toBe(false);
  expect(comparison(compare([row(2)], [row(1)]))).toMatch(/0\.500× +0\.500× +slower\n$/);
});
