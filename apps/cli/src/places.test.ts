// Where things are to be written: no place, places that cannot be, and names that steer a terminal.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';
import { visible } from './visible';

let scratch: Scratch;
let checkpoint: string;
beforeAll(() => {
  scratch = new Scratch();
  checkpoint = scratch.checkpoint();
  const training = { batch: 2, steps: 1, learningRate: 0.01 };
  const model = { layers: 1, hiddenSize: 8, heads: 1, headSize: 8 };
  const data = { paths: ['text.txt'] };
  writeFileSync(scratch.at('x.json'), JSON.stringify({ model, training, data, variants: ['gated'], contexts: [8] }));
}, 60_000);
afterAll(() => scratch.remove());

const evaluate = () => ['eval', checkpoint, 'text.txt', '--length', '64', '--streams', '2'];
const writers: [string, string, (place: string) => string[]][] = [
  ['train', '--out', (place) => ['train', 'text.txt', ...scratch.tiny, '--steps', '1', '--out', place]],
  ['compare', '--out', (place) => ['compare', 'x.json', '--out', place]],
  ['data prepare', '--out', (place) => ['data', 'prepare', 'text.txt', '--out', place && `${place}.bin`]],
  ['demo', '--out', (place) => ['demo', '--data', 'text.txt', '--steps', '1', '--out', place]],
  ['eval', '--svg', (place) => [...evaluate(), '--svg', place]],
  ['generate', '--state-out', (place) => ['generate', checkpoint, '--max-tokens', '3', '--state-out', place]],
];

describe('a place', () => {
  it.each(writers)('that is empty is refused by %s, and nothing is written', (_, option, args) => {
    const before = readdirSync(scratch.folder);
    const { code, stderr } = scratch.sympow(...args(''));
    expect(stderr).toMatch(new RegExp(`^sympow: ${option} is empty; expected a (folder|path|file)\\.$`, 'm'));
    expect(code).toBe(2);
    expect(readdirSync(scratch.folder)).toEqual(before);
  });

  it.each(writers)(
    'that can never be ends %s in one line',
    (_, __, args) => {
      for (const place of ['/proc/nowhere/x', scratch.at('text.txt/x')]) {
        const command = [process.execPath, ...scratch.command(...args(place))];
        // Where it would never come back, it is killed.
        const { status, stderr } = spawnSync('timeout', ['-s', 'KILL', '60', ...command], {
          encoding: 'utf8',
          ...scratch.place,
        });
        expect(stderr.trim().split('\n').at(-1)).toMatch(/^sympow: cannot (write|read|make) .*(nowhere|text\.txt)/);
        expect(stderr).not.toContain('unexpected');
        expect(status).toBe(1);
      }
    },
    130_000,
  );
});

describe('what steers a terminal', () => {
  const evil = 'evil\u001b[2J\u0007\u009b31m\u202e';
  /** What a terminal is sent. */
  const terminal = (...args: string[]) => {
    const command = [process.execPath, ...scratch.command(...args)].map((word) => `'${word}'`).join(' ');
    return spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', ...scratch.place }).stdout;
  };
  const steers = /\u001b\[2J|\u0007|\u009b|\u202e/;

  it('is spelt out in names and paths', () => {
    expect(visible(evil)).toBe('evil\\x1b[2J\\x07\\x9b31m\\u202e');
    expect(visible('a\tb\né 漢')).toBe('a\tb\né 漢');
    mkdirSync(scratch.at(evil));
    writeFileSync(scratch.at(evil, 'a.txt'), 'It was the best of times. '.repeat(200));
    for (const args of [
      ['train', evil, ...scratch.tiny, '--steps', '2', '--out', `${evil}/run`],
      ['generate', `${evil}/nothing`],
      ['data', 'info', `${evil}/a.txt`],
    ]) {
      const { stdout, stderr } = scratch.sympow(...args);
      expect(stdout + stderr).toContain('evil\\x1b[2J');
      expect(stdout + stderr).not.toMatch(steers);
    }
  });

  it('is spelt out in a prompt where a terminal shows it, and else is as it was', () => {
    const args = ['generate', checkpoint, '--max-tokens', '0', '--prompt', evil];
    expect(terminal(...args)).toContain('evil\\x1b[2J\\x07');
    expect(terminal(...args)).not.toMatch(steers);
    expect(scratch.sympow(...args).stdout).toBe(`${evil}\n`);
  });
});
