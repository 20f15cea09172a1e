// Ctrl-C, a terminal that closes, and a disk without room: what was done stays, and the same command goes on.

import { spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

let scratch: Scratch;
let checkpoint: string;
beforeAll(() => {
  scratch = new Scratch();
  checkpoint = scratch.checkpoint();
  writeFileSync(scratch.at('long.txt'), 'It was the age of wisdom, it was the age of foolishness. '.repeat(40_000));
  writeFileSync(scratch.at('large.txt'), 'It was the season of Light, it was the season of Darkness. '.repeat(200_000));
  const training = { batch: 2, steps: 200, learningRate: 0.01, checkpointEvery: 40 };
  const model = { layers: 1, hiddenSize: 16, heads: 2, headSize: 8 };
  const data = { paths: ['text.txt'] };
  writeFileSync(
    scratch.at('x.json'),
    JSON.stringify({ model, training, data, variants: ['gated'], contexts: [16], evaluation: { length: 64 } }),
  );
}, 60_000);
afterAll(() => scratch.remove());

/** How a process ended, and what it had said. */
interface Ended {
  readonly code: number | null;
  readonly words: string;
}

/** Starts the program and does something to it once, when a moment has come: seen in what it says, or in what it has made. */
function interrupted(
  args: readonly string[],
  moment: (words: string) => boolean,
  act: (child: ChildProcess) => void,
): Promise<Ended> {
  const child = scratch.start(...args);
  let words = '';
  let done = false;
  const look = () => {
    if (done || !moment(words)) return;
    done = true;
    act(child);
  };
  const timer = setInterval(look, 2);
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    words += chunk;
    look();
  });
  return new Promise((resolve) =>
    child.on('close', (code) => {
      clearInterval(timer);
      resolve({ code, words });
    }),
  );
}

/** Everything that a terminal does to its programs as it closes. */
function hangUp(child: ChildProcess): void {
  child.stdout!.destroy();
  child.stderr!.destroy();
  // Twice: from the system, and from the shell.
  child.kill('SIGHUP');
  child.kill('SIGHUP');
}

interface Work {
  readonly name: string;
  /** The exit codes after Ctrl-C, and where nobody sees what comes out any more. */
  readonly codes: readonly [stopped: number, hungUp: number];
  readonly args: (out: string) => string[];
  /** Whether it is in the middle of it. */
  readonly midway: (out: string) => boolean;
  /** What it makes, to be compared. */
  readonly made: (out: string) => unknown;
}

const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);
const work: Work[] = [
  {
    name: 'train',
    codes: [0, 0],
    args: (out) => scratch.train(out, '--steps', '200', '--checkpoint-every', '40'),
    midway: (out) => existsSync(scratch.at(out, 'checkpoints/step-00000040')),
    made: (out) => readFileSync(scratch.at(out, 'checkpoints/step-00000200/model.safetensors'), 'base64'),
  },
  {
    name: 'compare',
    // It prints where its report is.
    codes: [0, 141],
    args: (out) => ['compare', 'x.json', '--out', out],
    midway: (out) => lines(scratch.at(out, 'runs/gated-c16-s0/steps.jsonl')) >= 50,
    made: (out) =>
      JSON.parse(readFileSync(scratch.at(out, 'results.json'), 'utf8'), (key, value: unknown) =>
        key === 'measured' ? undefined : value,
      ) as unknown,
  },
  {
    name: 'data prepare',
    // It has no step to finish.
    codes: [130, 129],
    args: (out) => [
      ...['data', 'prepare', 'large.txt', '--out', `${out}.zarr`],
      ...['--length', '16384', '--chunk', '256x8192'],
    ],
    midway: (out) => existsSync(scratch.at(`${out}.zarr.partial/prepare.json`)),
    made: (out) => {
      const path = scratch.at(`${out}.zarr`);
      const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const files = names.map((entry) => join(entry.parentPath, entry.name)).sort();
      return files.map((file) => [file.slice(path.length), readFileSync(file, 'base64')]);
    },
  },
];

describe.each(work)('$name', ({ name: command, codes: [stopped, hungUp], args, midway, made }) => {
  const name = command.replace(' ', '-');
  let whole: unknown;
  beforeAll(() => {
    const { code, stderr } = scratch.sympow(...args(`whole-${name}`));
    expect(stderr).not.toMatch(/^sympow:/m);
    expect(code).toBe(0);
    whole = made(`whole-${name}`);
  }, 60_000);

  const ways: [string, number | null, (child: ChildProcess) => void][] = [
    ['Ctrl-C', stopped, (child) => child.kill('SIGINT')],
    ['a terminal that closes', hungUp, hangUp],
    ['a kill', null, (child) => child.kill('SIGKILL')],
  ];
  it.each(ways)(
    'goes on after %s, and makes the same',
    async (way, expected, act) => {
      const out = `${name}-${way}`.replaceAll(/\W+/g, '-');
      const { code } = await interrupted(args(out), () => midway(out), act);
      expect(code).toBe(expected);
      const again = scratch.sympow(...args(out));
      expect(again.stderr).toContain('going on');
      expect(again.code).toBe(0);
      expect(made(out)).toEqual(whole);
    },
    60_000,
  );
});

describe('stopping', () => {
  it('ends an evaluation in one word', async () => {
    const args = ['eval', checkpoint, 'long.txt', '--part', 'all', '--length', '200000', '--streams', '8'];
    const reading = (words: string) => words.includes('of 200 k');
    const { code, words } = await interrupted(args, reading, (child) => child.kill('SIGINT'));
    expect(words.trim().split('\n').at(-1)).toBe('sympow: stopped');
    expect(code).toBe(130);
  }, 60_000);
});

describe('a full disk', () => {
  const disk = () => scratch.at('disk');
  const free = () => statfsSync(disk()).bavail * statfsSync(disk()).bsize;
  /** Runs `body` with a disk of its own, on which so many bytes are left. */
  function onDisk(size: string, room: number, body: (makeRoom: () => void) => void): boolean {
    mkdirSync(disk(), { recursive: true });
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk()]).status !== 0) return false;
    try {
      writeFileSync(join(disk(), 'ballast'), Buffer.alloc(Math.max(0, free() - room)));
      body(() => rmSync(join(disk(), 'ballast')));
      return true;
    } finally {
      spawnSync('umount', [disk()]);
    }
  }
  const right = 'needs the right to mount a small tmpfs';

  it.for(work)(
    'ends $name with one line, and the same command goes on when there is room',
    { timeout: 60_000 },
    ({ name, args, made }, { skip }) => {
      const roomy = `roomy-${name.replace(' ', '-')}`;
      expect(scratch.sympow(...args(roomy)).code).toBe(0);
      const expected = made(roomy);
      const out = 'disk/full';
      const room = name === 'data prepare' ? 4_000_000 : 20_000;
      const done = onDisk('64m', room, (makeRoom) => {
        const { code, stderr } = scratch.sympow(...args(out));
        expect(stderr.trim().split('\n').at(-1)).toMatch(/^sympow: cannot write .*disk\/full.*the disk is full/);
        expect(code).toBe(1);
        makeRoom();
        expect(scratch.sympow(...args(out)).code).toBe(0);
        expect(made(out)).toEqual(expected);
      });
      if (!done) skip(right);
    },
  );

  it('leaves the last good checkpoint', ({ skip }) => {
    const out = 'disk/run';
    const args = [...scratch.train(out), '--checkpoint-every', '4', '--keep', '9'];
    const done = onDisk('300k', 300_000, (makeRoom) => {
      expect(scratch.sympow(...args, '--steps', '4').code).toBe(0);
      writeFileSync(join(disk(), 'ballast'), Buffer.alloc(free() - 8192));
      const { code, stderr } = scratch.sympow(...args, '--steps', '8');
      expect(stderr).toMatch(/the disk is full/);
      expect(code).toBe(1);
      expect(readdirSync(scratch.at(out, 'checkpoints'))).toEqual(['step-00000004']);
      makeRoom();
      expect(scratch.sympow('generate', scratch.at(out), '--max-tokens', '3').code).toBe(0);
    });
    if (!done) skip(right);
  });
});
