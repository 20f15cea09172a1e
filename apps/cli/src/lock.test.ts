// Two processes on one folder.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch';

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
});
afterAll(() => scratch.remove());

describe('two processes on one run', () => {
  const lock = (run: string) => scratch.at(run, 'in-use.json');
  const claimed = (run: string, owner: string) => {
    mkdirSync(scratch.at(run));
    writeFileSync(lock(run), owner);
    return scratch.sympow(...scratch.train(run, '--steps', '1'));
  };

  it('the second is refused', () => {
    const { code, stderr } = claimed('taken', JSON.stringify({ pid: process.pid, host: hostname() }));
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^sympow: process \d+ on .* is at work in .*taken/);
    expect(code).toBe(1);
    expect(readdirSync(scratch.at('taken'))).toEqual(['in-use.json']);
  });

  it('what a process on another machine holds is left to it', () => {
    expect(claimed('elsewhere', JSON.stringify({ pid: 1, host: 'another' })).code).toBe(1);
  });

  it.each([
    ['a process that is gone', () => JSON.stringify({ pid: spawnSync('true').pid, host: hostname() })],
    ['one that was killed as it wrote', () => '{"pi'],
  ])('what %s has left is taken over, and nothing stays', (name, owner) => {
    const run = name.replaceAll(' ', '-');
    expect(claimed(run, owner()).code).toBe(0);
    expect(readdirSync(scratch.at(run))).toEqual(['checkpoints']);
  });
});
