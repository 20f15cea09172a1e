// Output that cannot be written: nobody reads on, or there is no room. It costs no work, and the exit code tells of a result.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

let scratch: Scratch;
let checkpoint: string;
beforeAll(() => {
  scratch = new Scratch();
  checkpoint = scratch.checkpoint();
}, 60_000);
afterAll(() => scratch.remove());

/** Runs the program in a line of the shell, where `$0 "$@"` stands for it; gives its exit code, not that of a reader. */
function inShell(line: string, args: readonly string[]) {
  const command = [process.execPath, ...scratch.command(...args)];
  const script = `${line}; exit "\${PIPESTATUS[0]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, ...command], {
    encoding: 'utf8',
    ...scratch.place,
  });
  return { code: status, stdout, stderr };
}

describe('words that cannot be written cost no step', () => {
  const ways = [
    { way: 'nobody reads on', line: '"$0" "$@" 2>&1 | head -n 1 >&2', out: 'read' },
    { way: 'the disk of the log is full', line: '"$0" "$@" >/dev/full 2>&1', out: 'full' },
    { way: 'standard error is closed', line: '"$0" "$@" 2>&-', out: 'closed' },
  ];
  it.each(ways)('of train where $way', ({ line, out }) => {
    const { code, stderr } = inShell(line, scratch.train(out, '--steps', '8'));
    expect(stderr).not.toMatch(/^\s+at |Error/m);
    expect(code).toBe(0);
    expect(readdirSync(scratch.at(out, 'checkpoints'))).toContain('step-00000008');
  });

  it.each(ways)('of data prepare where $way', ({ line, out }) => {
    const { code, stderr } = inShell(line, ['data', 'prepare', 'text.txt', '--out', `${out}.bin`]);
    expect(stderr).not.toMatch(/^\s+at |Error/m);
    expect(code).toBe(0);
    expect(existsSync(scratch.at(`${out}.bin`))).toBe(true);
  });
});

describe('a result that cannot be written', () => {
  const state = () => scratch.at('state.safetensors');
  const endless = () => [
    ...['generate', checkpoint, '--prompt', 'It was the best', '--max-tokens', '100000000'],
    ...['--state-out', state()],
  ];

  it('ends as other programs end whose reader went away: text stops, and the state is kept', () => {
    const { code, stdout, stderr } = inShell('"$0" "$@" | head -c 5', endless());
    expect(stdout).toBe('It wa');
    expect(stderr).toMatch(/^read 15 tokens at .*/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(141);
    expect(existsSync(state())).toBe(true);
  });

  it.each([
    ['text', () => ['generate', checkpoint, '--max-tokens', '5']],
    ['the object of --json', () => scratch.train('json', '--steps', '4', '--json')],
    ['help', () => ['train', '--help']],
  ])('%s: is a failure in one line where there is no room', (_, args) => {
    const { code, stderr } = inShell('"$0" "$@" >/dev/full', args());
    expect(stderr.trim().split('\n').at(-1)).toBe('sympow: cannot write to standard output: the disk is full');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  it('has cost no step', () => {
    expect(readdirSync(scratch.at('json/checkpoints'))).toEqual(['step-00000004']);
  });

  it('says nothing where nobody reads', () => {
    const { code, stderr } = inShell('"$0" "$@" | true', ['--help']);
    expect([code, stderr]).toEqual([141, '']);
  });
});
