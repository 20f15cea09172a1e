// Two processes on one place, and what one that is gone has left there.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LockError, whileLocked } from './lock';
import { alive, thisProcess } from './owner';
import { Scratch } from './scratch.cases';

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
  const training = { batch: 2, steps: 1, learningRate: 0.01 };
  const model = { layers: 1, hiddenSize: 8, heads: 1, headSize: 8 };
  writeFileSync(
    scratch.at('x.json'),
    JSON.stringify({ model, training, variants: ['gated'], contexts: [8], data: { paths: ['text.txt'] } }),
  );
});
afterAll(() => scratch.remove());

const inFolder = (out: string) => scratch.at(out, 'in-use.json');
const beside = (out: string) => scratch.at(`${out}.in-use.json`);
type Writer = [string, (out: string) => string[], (out: string) => string];
/** What writes to a place, and where its lock lies. */
const writers: Writer[] = [
  ['train', (out) => scratch.train(out, '--steps', '1'), inFolder],
  ['compare', (out) => ['compare', 'x.json', '--out', out], inFolder],
  ['compare --report', (out) => ['compare', 'x.json', '--out', out, '--report'], inFolder],
  ['data prepare', (out) => ['data', 'prepare', 'text.txt', '--out', `${out}.bin`], (out) => beside(`${out}.bin`)],
];
const demo: Writer = ['demo', (out) => ['demo', '--data', 'text.txt', '--out', out, '--steps', '1'], beside];

function claimed([name, args, lockOf]: Writer, what: string, owner: string) {
  const out = `${what}-${name}`.replaceAll(/[- ]+/g, '-');
  mkdirSync(scratch.at(out));
  writeFileSync(lockOf(out), owner);
  return { ...scratch.sympow(...args(out)), lock: lockOf(out), left: readdirSync(scratch.at(out)) };
}

describe('two processes on one place', () => {
  it.each([...writers, demo])('%s: the second is refused, and changes nothing', (...writer) => {
    const { code, stderr, lock, left } = claimed(writer, 'taken', JSON.stringify(thisProcess()));
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^sympow: process \d+ on .* is at work in .*taken/);
    expect(code).toBe(1);
    expect(existsSync(lock)).toBe(true);
    expect(left.filter((name) => name !== 'in-use.json')).toEqual([]);
  });

  it.each(writers)('%s: what is left of one whose number another process has now is taken over', (...writer) => {
    const owner = JSON.stringify({ ...thisProcess(), started: '1' });
    const { code, lock, left } = claimed(writer, 'reused', owner);
    expect(code).toBe(0);
    expect(existsSync(lock)).toBe(false);
    expect(left.filter((name) => /use/.test(name))).toEqual([]);
  });

  const [train] = writers as [Writer];

  it('what a process on another machine holds is left to it', () => {
    const owner = JSON.stringify({ pid: 1, host: 'another', boot: 'another', started: '1' });
    expect(claimed(train, 'elsewhere', owner).code).toBe(1);
  });

  it.each([
    ['a process that is gone', () => JSON.stringify({ pid: spawnSync('true').pid, host: hostname() })],
    ['one that was killed as it wrote', () => '{"pi'],
    ['one from before the machine was started again', () => JSON.stringify({ ...thisProcess(), boot: 'before' })],
  ])('what %s has left is taken over, and nothing stays', (name, owner) => {
    expect(claimed(train, name, owner())).toMatchObject({ code: 0, left: ['checkpoints'] });
  });

  it('a link in the place of the lock is not followed, and what is no file is not removed', () => {
    const victim = scratch.at('victim');
    writeFileSync(victim, 'precious');
    mkdirSync(scratch.at('linked'));
    symlinkSync(victim, scratch.at('linked/in-use.json'));
    const { code, stderr } = scratch.sympow(...scratch.train('linked', '--steps', '1'));
    expect(stderr).toMatch(/^sympow: .*linked\/in-use\.json is no file; expected a lock\. Remove it\.$/m);
    expect(code).toBe(1);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  it('of many that find a leftover at one time, one holds the place', async () => {
    const folder = scratch.at('many');
    mkdirSync(folder);
    writeFileSync(scratch.at('many/in-use.json'), JSON.stringify({ ...thisProcess(), started: '1' }));
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 100));
      inside--;
    };
    const ends = await Promise.allSettled(Array.from({ length: 20 }, () => whileLocked(folder, work)));
    expect(most).toBe(1);
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    expect(refused.every((error) => error instanceof LockError)).toBe(true);
    expect(ends.length - refused.length).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('containers, which count their processes by themselves', () => {
  const contained = [
    'unshare',
    '--user',
    '--map-root-user',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ] as const;
  const possible = spawnSync(contained[0], [...contained.slice(1), 'true']).status === 0;
  const start = (out: string, steps: number) => {
    const [command, ...options] = [...contained, process.execPath, ...scratch.command(...scratch.train(out))];
    return spawn(command, [...options, '--steps', String(steps)], { ...scratch.place, stdio: 'ignore' });
  };
  const ended = (child: ReturnType<typeof start>) => new Promise((resolve) => child.on('close', resolve));
  const locked = async (out: string) => {
    while (!existsSync(scratch.at(out, 'in-use.sock'))) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('a run goes on in a new one after its own was killed, with the same small numbers', async ({ skip }) => {
    if (!possible) skip('needs the right to make a name space of processes');
    const first = start('restarted', 100_000);
    await locked('restarted');
    first.kill('SIGKILL');
    await ended(first);
    expect(existsSync(scratch.at('restarted/in-use.json'))).toBe(true);
    expect(await ended(start('restarted', 1))).toBe(0);
    expect(readdirSync(scratch.at('restarted'))).toEqual(['checkpoints']);
  });

  it('a run in one is left to it by all others', async ({ skip }) => {
    if (!possible) skip('needs the right to make a name space of processes');
    const first = start('shared', 100_000);
    await locked('shared');
    expect(await ended(start('shared', 1))).toBe(1);
    expect(scratch.sympow(...scratch.train('shared', '--steps', '1')).stderr).toMatch(/is at work in .*shared/);
    first.kill('SIGKILL');
    await ended(first);
  });
});

describe('a process', () => {
  const never = () => Promise.reject(new Error('asked'));
  const child = () => spawn('sleep', ['60'], { stdio: 'ignore' });

  it('lives while it has the number and the start that it had', async () => {
    const own = thisProcess();
    expect(own.started).toMatch(/./);
    expect(await alive(own, never)).toBe(true);
    expect(await alive({ ...own, started: '1' }, never)).toBe(false);
    expect(await alive({ ...own, pid: spawnSync('true').pid }, never)).toBe(false);
  });

  it('is gone when only its exit code is waited for', async ({ skip }) => {
    if (process.platform !== 'linux') skip('other systems do not say it');
    // The shell becomes a program that does not ask what became of the shell's child.
    const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = Number(
      await new Promise<string>((resolve) => parent.stdout.on('data', (text) => resolve(String(text)))),
    );
    const state = () => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
    while (state() !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await alive({ ...thisProcess(), pid }, never)).toBe(false);
    parent.kill();
  });

  it('of which only the number is known lives while there is one with it, other than who asks', async () => {
    const other = child();
    expect(await alive({ pid: other.pid!, host: hostname() }, never)).toBe(true);
    expect(await alive({ pid: process.pid, host: hostname() }, never)).toBe(false);
    other.kill();
  });

  it('in another container is asked itself', async () => {
    const own = thisProcess();
    for (const answer of [true, false]) {
      expect(await alive({ ...own, host: 'container', space: 'pid:[1]' }, () => Promise.resolve(answer))).toBe(answer);
    }
  });
});
