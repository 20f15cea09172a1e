// Ctrl-C, and a disk without room: what was done stays.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch';

let scratch: Scratch;
let checkpoint: string;
beforeAll(() => {
  scratch = new Scratch();
  checkpoint = scratch.checkpoint();
}, 60_000);
afterAll(() => scratch.remove());

describe('stopping', () => {
  it('Ctrl-C saves, and the same command ends with the weights of a run that was not stopped', async () => {
    const args = (out: string) => scratch.train(out, '--steps', '60', '--checkpoint-every', '1000');
    const whole = scratch.sympow(...args('whole'));
    expect(whole.code).toBe(0);
    const stopped = scratch.start(...args('stopped'));
    let words = '';
    stopped.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      if (words.length === 0 || !words.includes('step 4:')) {
        words += chunk;
        if (words.includes('step 4:')) stopped.kill('SIGINT');
      } else words += chunk;
    });
    const code = await new Promise((resolve) => stopped.on('close', resolve));
    expect(words).toContain('the same command goes on from there');
    expect(code).toBe(0);
    expect(scratch.sympow(...args('stopped')).stderr).toContain('going on from');
    const weights = (run: string) => readFileSync(scratch.at(run, 'checkpoints/step-00000060/model.safetensors'));
    expect(weights('stopped').equals(weights('whole'))).toBe(true);
  }, 60_000);

  it('Ctrl-C ends an evaluation in one word', async () => {
    writeFileSync(scratch.at('long.txt'), 'It was the age of wisdom, it was the age of foolishness. '.repeat(40_000));
    const args = ['eval', checkpoint, 'long.txt', '--part', 'all', '--length', '200000', '--streams', '8'];
    const stopped = scratch.start(...args);
    let words = '';
    stopped.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      words += chunk;
      if (chunk.includes('position')) stopped.kill('SIGINT');
    });
    const code = await new Promise((resolve) => stopped.on('close', resolve));
    expect(words.trim().split('\n').at(-1)).toBe('sympow: stopped');
    expect(code).toBe(130);
  }, 60_000);
});

describe('a full disk', () => {
  const disk = () => scratch.at('disk');
  const mount = () => spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk()]).status === 0;

  it('stops with one line, and the last good checkpoint stays', ({ skip }) => {
    mkdirSync(disk());
    if (!mount()) skip('needs the right to mount a small tmpfs');
    try {
      const args = [
        'train',
        scratch.text,
        '--out',
        join(disk(), 'run'),
        ...scratch.tiny,
        '--steps',
        '8',
        '--checkpoint-every',
        '4',
        '--keep',
        '9',
      ];
      const first = scratch.sympow(...args, '--steps', '4', '--hidden', '16');
      expect(first.code).toBe(0);
      writeFileSync(join(disk(), 'ballast'), Buffer.alloc(roomLeft() - 8192));
      const { code, stderr } = scratch.sympow(...args);
      expect(stderr).toMatch(/no space|disk.*full|full disk/i);
      expect(code).toBe(1);
      expect(readdirSync(join(disk(), 'run/checkpoints'))).toEqual(['step-00000004']);
      rmSync(join(disk(), 'ballast'));
      expect(scratch.sympow('generate', join(disk(), 'run'), '--max-tokens', '3').code).toBe(0);
    } finally {
      spawnSync('umount', [disk()]);
    }
  });

  function roomLeft(): number {
    const { stdout } = spawnSync('df', ['--output=avail', '-B1', disk()], { encoding: 'utf8' });
    return Number(stdout.trim().split('\n').at(-1));
  }
});
