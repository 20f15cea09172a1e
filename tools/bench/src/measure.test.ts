import { expect, it } from 'vitest';
import { median, race, type Pace } from './measure';

it('median is the middle value, or the mean of the middle two', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 7])).toBe(6);
});

it('sides take turns, each prepared before and settled after its round', async () => {
  const pace: Pace = { clock: 'wall', round: 0, warmUp: 0, budget: 0, rounds: { least: 2, most: 2 } };
  const log: string[] = [];
  const side = (name: string) => ({
    prepare: () => log.push(`prepare ${name}`),
    run: () => log.push(name),
    settle: async () => log.push(`settle ${name}`),
  });
  const seconds = await race({ ours: side('ours'), peer: side('peer') }, pace);
  const round = ['prepare ours', 'ours', 'settle ours', 'prepare peer', 'peer', 'settle peer'];
  expect(log).toEqual([...round, ...round, ...round]);
  expect(Object.keys(seconds)).toEqual(['ours', 'peer']);
});

it('a clock of either kind sees work', async () => {
  const work = () => {
    const end = performance.now() + 5;
    while (performance.now() < end);
  };
  for (const clock of ['cpu', 'wall'] as const) {
    const pace: Pace = { clock, round: 1, warmUp: 1, budget: 1, rounds: { least: 3, most: 3 } };
    expect((await race({ work: { run: work } }, pace)).work).toBeGreaterThan(0.0005);
  }
});
