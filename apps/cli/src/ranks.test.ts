// `mpirun -n N sympow train`: several processes train as one does, and end together, whatever happens to one of them.

import { noMpi, prepareMpi, started, withoutMpi } from '@sympow-tools/mpirun';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';
import type { EvalResult } from './commands/eval';
import type { TrainResult } from './commands/train';

const limit = 240_000;
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const built = (name: string) =>
  JSON.stringify(new URL(`../../../packages/${name}/dist/index.js`, import.meta.url).href);

/** Losses of 100 steps with each format of gradients, in a file. */
const curve = `
  import { writeFileSync } from 'node:fs';
  import { openMpi } from ${built('distributed')};
  import { train } from ${built('training')};
  import { textSource } from ${built('data')};
  import { Model, modelConfig, variants } from ${built('model')};
  import { js } from ${built('kernels')};
  import { wasm } from ${built('backend-wasm')};
  const [name, out, ...formats] = process.argv.slice(2);
  const communicator = await openMpi();
  const backend = await { js: () => js(), wasm: () => wasm({ threads: 1 }) }[name]().open();
  const shape = { vocabSize: 256, hiddenSize: 8, layers: 1, heads: 2, headSize: 4 };
  const data = textSource('to be or not to be, that is the question. '.repeat(40));
  const options = { data, batch: 8, context: 12, steps: 100, learningRate: 6e-4, communicator };
  const curves = [];
  for (const gradientFormat of formats) {
    const model = Model.create(backend, modelConfig({ ...variants.conformal, ...shape }), { seed: 1 });
    const losses = [];
    for await (const event of train({ ...options, model, gradientFormat }))
      if (event.type === 'step') losses.push(event.loss);
    curves.push(losses);
  }
  if (communicator.rank === 0) writeFileSync(out, JSON.stringify(curves));
  await communicator.close();`;

describe.skipIf(withoutMpi())(`several processes${noMpi() ? ` (${noMpi()})` : ''}`, () => {
  let scratch: Scratch;
  beforeAll(() => {
    scratch = new Scratch();
    prepareMpi();
  }, limit);
  afterAll(() => scratch.remove());

  const model = ['--layers', '1', '--hidden', '16', '--heads', '2', '--head-size', '8'];
  const args = (out: string, ...more: string[]) => [
    ...[main, 'train', scratch.text, '--out', scratch.at(out), ...model, '--context', '16', '--batch', '8'],
    ...['--backend', 'js', '--checkpoint-every', '10', ...more],
  ];
  const resultOf = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1)) as TrainResult;
  const checkpoints = (out: string) => readdirSync(scratch.at(out, 'checkpoints'));
  const own = (stderr: string) => stderr.split('\n').filter((line) => line.startsWith('sympow: '));

  const curves = async (processes: number, backend: string, ...formats: string[]) => {
    const [program, out] = [scratch.at('curve.mjs'), scratch.at(`${backend}-${processes}.json`)];
    writeFileSync(program, curve);
    const { code, stderr } = await started(processes, [program, backend, out, ...formats], { limit: 200 }).ended;
    expect(code, stderr).toBe(0);
    return JSON.parse(readFileSync(out, 'utf8')) as number[][];
  };
  const furthest = (ours: readonly number[], others: readonly number[]) =>
    Math.max(...ours.map((loss, i) => Math.abs(loss - others[i]!)));

  it.each(['js', 'wasm'])(
    'the losses of 1, 2 and 4 are the same within 1e-5 on %s, and to the last bit each time',
    async (backend) => {
      const losses = async (processes: number) => (await curves(processes, backend, 'float32'))[0]!;
      const alone = await losses(1);
      expect(alone).toHaveLength(100);
      expect(alone[99]).toBeLessThan(alone[0]! - 0.1);
      for (const processes of [2, 4]) {
        const together = await losses(processes);
        expect(furthest(together, alone)).toBeLessThan(1e-5);
        if (processes === 2) expect(await losses(processes)).toEqual(together);
      }
    },
    limit,
  );

  // The bounds are those of the tests of training.
  it(
    'gradients that travel in 16 bits have losses close to those of float32, the same to the last bit each time',
    async () => {
      const formats = ['float32', 'bfloat16', 'float16'];
      const [whole, bfloat16, float16] = (await curves(2, 'js', ...formats)) as [number[], number[], number[]];
      const gone = whole[0]! - Math.min(...whole);
      for (const [half, unit] of [[bfloat16, 2 ** -8] as const, [float16, 2 ** -11] as const]) {
        expect(half[0]).toBe(whole[0]);
        expect(half).not.toEqual(whole);
        expect(furthest(half, whole)).toBeLessThan((unit * gone) / 10);
      }
      expect(await curves(2, 'js', ...formats)).toEqual([whole, bfloat16, float16]);
    },
    limit,
  );

  it(
    'process 0 alone talks and saves, each keeps a log, and another number of processes goes on',
    async () => {
      const whole = spawnSync(process.execPath, args('whole', '--steps', '20', '--json'), { encoding: 'utf8' });
      expect(whole.status, whole.stderr).toBe(0);
      const first = await started(2, args('run', '--steps', '10', '--decay-steps', '20', '--log-all', '--json')).ended;
      expect(first.code, first.stderr).toBe(0);
      expect(first.stdout.trim().split('\n')).toHaveLength(1);
      expect(first.stderr.match(/training on js/g)).toHaveLength(1);
      expect(first.stderr).toContain('2 processes on 1 machine');
      expect(readdirSync(scratch.at('run/logs'))).toEqual(['rank-0.log', 'rank-1.log']);
      const rest = await started(4, args('run', '--steps', '20', '--decay-steps', '20', '--json')).ended;
      expect(rest.code, rest.stderr).toBe(0);
      expect(rest.stderr).toMatch(/going on from .*step-00000010/);
      const [one, several] = [resultOf(whole.stdout), resultOf(rest.stdout)];
      expect(Math.abs(one.heldOutLoss! - several.heldOutLoss!)).toBeLessThan(1e-5);
    },
    limit,
  );

  it(
    'texts are shared out to be prepared, and what is written has the bytes of one process',
    async () => {
      mkdirSync(scratch.at('books'));
      for (const [i, words] of ['Call me Ishmael. ', 'To be or not to be. ', 'été 😀 '].entries())
        writeFileSync(scratch.at('books', `${i}.txt`), words.repeat(40 * (i + 1)));
      const array = ['--tokenizer', 'gpt2', '--length', '32', '--chunk', '4x16', '--json'];
      const prepared = (out: string) => [
        ...[main, 'data', 'prepare', scratch.at('books'), '--out', scratch.at(out, 'x.zarr')],
        ...['--held-out-to', scratch.at(out, 'rest.zarr'), '--held-out', '0.4', ...array],
      ];
      const alone = spawnSync(process.execPath, prepared('alone'), { encoding: 'utf8' });
      expect(alone.status, alone.stderr).toBe(0);
      const { code, stdout, stderr } = await started(2, prepared('together')).ended;
      expect(code, stderr).toBe(0);
      expect(stdout.trim().split('\n')).toHaveLength(1);
      expect(stderr.match(/wrote .*x\.zarr/g)).toHaveLength(1);
      const files = (out: string) =>
        readdirSync(scratch.at(out), { recursive: true, encoding: 'utf8' })
          .filter((name) => statSync(scratch.at(out, name)).isFile())
          .sort()
          .map((name) => [name, readFileSync(scratch.at(out, name), 'base64')]);
      expect(files('together')).toEqual(files('alone'));
      expect(files('alone').length).toBeGreaterThan(6);
    },
    limit,
  );

  it(
    'an evaluation is shared out, and has the result of one process',
    async () => {
      const training = scratch.sympow(...scratch.train('evaluated', '--steps', '4'));
      expect(training.code, training.stderr).toBe(0);
      const trained = scratch.at('evaluated/checkpoints/step-00000004');
      const evaluation = ['eval', trained, scratch.text, '--length', '64', '--streams', '5', '--batch', '1', '--json'];
      const alone = spawnSync(process.execPath, [main, ...evaluation, '--backend', 'js'], { encoding: 'utf8' });
      const { code, stdout, stderr } = await started(2, [main, ...evaluation, '--backend', 'js']).ended;
      expect(code, stderr).toBe(0);
      const [one, two] = [alone.stdout, stdout].map((text) => JSON.parse(text) as EvalResult);
      expect(two!.bins).toEqual(one!.bins);
    },
    limit,
  );

  it(
    'the runs of an experiment are shared out, into one folder, and come to what one process finds',
    async () => {
      const experiment = {
        title: 'Shared',
        model: { layers: 1, hiddenSize: 16, heads: 2, headSize: 8, rotaryHorizon: 256 },
        training: { tokensPerStep: 32, steps: 4, learningRate: 0.01 },
        ...{ variants: ['gated-softmax', 'conformal'], contexts: [8], seeds: [0, 1] },
        evaluation: { length: 64, streams: 2, batch: 2 },
      };
      writeFileSync(scratch.at('x.json'), JSON.stringify(experiment));
      const compare = (out: string) => [
        main,
        'compare',
        scratch.at('x.json'),
        '--data',
        scratch.text,
        '--backend',
        'js',
        '--out',
        scratch.at(out),
        '--json',
      ];
      const losses = (out: string) =>
        readFileSync(scratch.at(out, 'results.json'), 'utf8').match(/"(meanLoss|loss)": ?[\d.]+/g);
      const alone = spawnSync(process.execPath, compare('one'), { encoding: 'utf8' });
      expect(alone.status, alone.stderr).toBe(0);
      const { code, stdout, stderr } = await started(2, [...compare('two'), '--log-all']).ended;
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('4 of 4 runs are finished');
      expect(JSON.parse(stdout)).toMatchObject({ finished: true });
      expect(losses('two')).toEqual(losses('one'));
      expect(losses('one')!.length).toBeGreaterThan(3);
      for (const rank of [0, 1])
        expect(readFileSync(scratch.at(`two/logs/rank-${rank}.log`), 'utf8')).toContain('[2/2]');

      const apart = [...compare('apart'), ':', '-n', '1', process.execPath, ...compare('elsewhere')];
      const refused = await started(1, apart).ended;
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(/rank 1 does not see what rank 0 writes to/);
    },
    limit,
  );

  const others: [string, RegExp, (out: string) => string[]][] = [
    ['another seed', /seed of rank 1 is 3; expected 0/, (out) => args(out, '--steps', '20', '--seed', '3')],
    [
      'another format of gradients',
      /gradientFormat of rank 1 is "float16"; expected "float32"/,
      (out) => args(out, '--steps', '20', '--gradient-format', 'float16'),
    ],
    ['another backend', /backend of rank 1 is "wasm"/, (out) => args(out, '--steps', '20', '--backend', 'wasm')],
    [
      'another file',
      /data: \w+ of rank 1 is .* as rank 0 has/,
      (out) => args(out, '--steps', '20').map((word) => (word === scratch.text ? scratch.at('other.txt') : word)),
    ],
  ];
  it.each(others)(
    'a process that starts with %s is named, and nothing is saved',
    async (name, words, theirs) => {
      writeFileSync(scratch.at('other.txt'), readFileSync(scratch.text, 'utf8').replaceAll('worst', 'first'));
      const out = name.replaceAll(' ', '-');
      const two = [...args(out, '--steps', '20'), ':', '-n', '1', process.execPath, ...theirs(out)];
      const { code, stderr, seconds } = await started(1, two).ended;
      expect(code).not.toBe(0);
      expect(own(stderr).join('\n')).toMatch(words);
      expect(own(stderr)).toHaveLength(1);
      expect(seconds).toBeLessThan(60);
      expect(existsSync(scratch.at(out, 'checkpoints/step-00000010'))).toBe(false);
    },
    limit,
  );

  const ends: [string, RegExp, (job: number, rank: number) => void][] = [
    ['kill -9 of one', /process rank 1 with PID .* exited on signal 9/, (_, rank) => process.kill(rank, 'SIGKILL')],
    ['one that hangs', /^sympow: rank 1 on .* has not been heard of/m, (_, rank) => process.kill(rank, 'SIGSTOP')],
    ['SIGTERM', /stopped at step \d+ of 4000/, (job) => process.kill(job, 'SIGTERM')],
    ['SIGINT', /stopped at step \d+ of 4000/, (job) => process.kill(job, 'SIGINT')],
  ];
  it.each(ends)(
    '%s ends all with a message, and the last checkpoint is whole',
    async (name, words, act) => {
      const out = name.replaceAll(/\W+/g, '-');
      const job = started(2, args(out, '--steps', '4000', '--keep', '1'));
      const until = async (holds: () => boolean) => {
        while (!holds() && job.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
      };
      await until(() => existsSync(scratch.at(out, 'checkpoints/step-00000010/checksums.json')));
      const { stdout } = spawnSync('pgrep', ['-P', `${job.child.pid}`], { encoding: 'utf8' });
      const ranks = stdout.trim().split('\n').map(Number);
      expect(ranks).toHaveLength(2);
      const start = performance.now();
      act(job.child.pid!, Math.max(...ranks));
      const { stderr } = await job.ended;
      expect(stderr).toMatch(words);
      expect((performance.now() - start) / 1000).toBeLessThan(process.env.CI ? 10 : 20);
      const [saved] = checkpoints(out);
      const step = Number(/\d+/.exec(saved!)![0]);
      const again = spawnSync(
        process.execPath,
        args(out, '--steps', `${step + 1}`, '--decay-steps', '4000', '--warmup', '400'),
        { encoding: 'utf8' },
      );
      expect(again.status, again.stderr).toBe(0);
      expect(again.stderr).toContain(`going on from ${join(scratch.at(out), 'checkpoints', saved!)}`);
    },
    limit,
  );
});
