// An experiment from end to end, as a person runs it: whole, in parts, killed, and on two machines.

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const runner = fileURLToPath(new URL('../../../../tools/run.mjs', import.meta.url));
const experiment = {
  title: 'Times <good> & bad',
  model: { layers: 1, hiddenSize: 16, heads: 2, headSize: 8, rotaryHorizon: 256 },
  training: { tokensPerStep: 32, steps: 12, learningRate: 0.01, checkpointEvery: 3 },
  variants: ['gated-softmax', { name: 'conformal, β from noise', variant: 'conformal', model: { betaInit: 'normal' } }],
  contexts: [8, 16],
  seeds: [0, 1],
  evaluation: { length: 64, streams: 4, batch: 2 },
  recall: [{ task: 'passkey', options: { digits: 1 }, length: 100, count: 4 }],
};

let folder: string;
const place = () => ({ cwd: folder, env: { ...process.env, INIT_CWD: folder } });
const args = (...more: string[]) => [
  runner,
  'apps/cli',
  'compare',
  'x.json',
  '--data',
  'text',
  '--backend',
  'js',
  ...more,
];

function compare(...more: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args(...more), { encoding: 'utf8', ...place() });
  return { code: status, stdout, stderr };
}

/** The results without what depends on the machine. */
function results(out: string): Record<string, unknown> {
  const strip = (key: string, value: unknown) => (key === 'measured' ? undefined : value);
  const text = readFileSync(join(folder, out, 'results.json'), 'utf8');
  return JSON.parse(JSON.stringify(JSON.parse(text), strip)) as Record<string, unknown>;
}

interface Status {
  readonly finished: boolean;
  readonly runs: readonly { readonly id: string; readonly status: string }[];
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sympow-compare-'));
  writeFileSync(join(folder, 'x.json'), JSON.stringify(experiment));
  spawnSync('mkdir', [join(folder, 'text')]);
  for (const [name, text] of Object.entries({ a: 'It was the best of times. ', b: 'It was the worst of times? ' })) {
    writeFileSync(join(folder, 'text', `${name}.txt`), text.repeat(160));
  }
  const { code, stderr } = compare('--out', 'whole');
  expect(stderr).toContain('8 of 8 runs are finished');
  expect(code).toBe(0);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what comes out', () => {
  it('is JSON with every run and the means over seeds', () => {
    const { runs, groups } = results('whole') as { runs: Record<string, unknown>[]; groups: Record<string, unknown>[] };
    expect(runs).toHaveLength(8);
    expect(groups.map(({ variant, context, seeds }) => [variant, context, seeds])).toEqual(
      ['gated-softmax', 'conformal, β from noise'].flatMap((name) => [8, 16].map((context) => [name, context, [0, 1]])),
    );
    for (const run of runs) {
      expect(run).toMatchObject({ finished: true, steps: 12, batch: 32 / (run.context as number) });
      expect(run.curve).toHaveLength(12);
      expect((run.loss as { bins: unknown[] }).bins).toMatchObject([
        { to: 2 },
        { to: 4 },
        { to: 8 },
        { to: 16 },
        { to: 32 },
        { to: 64 },
      ]);
      expect(run.recall).toMatchObject({ passkey: { answers: 4 } });
    }
  });

  it('is CSV, Markdown, and one page with its charts inside that asks no network for anything', () => {
    const read = (name: string) => readFileSync(join(folder, 'whole', name), 'utf8');
    expect(read('runs.csv').trim().split('\r\n')).toHaveLength(9);
    expect(read('runs.csv')).toContain('"conformal, β from noise",16,1,true');
    expect(read('positions.csv').trim().split('\r\n')).toHaveLength(1 + 8 * 6);
    expect(read('curves.csv').trim().split('\r\n')).toHaveLength(1 + 8 * 12);
    expect(read('recall.csv')).toContain('passkey,distance');
    const page = read('report.html');
    expect(page).toContain('<h1>Times &lt;good&gt; &amp; bad</h1>');
    expect(page.match(/<svg/g)!.length).toBe(readdirSync(join(folder, 'whole/charts')).length);
    expect(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:|src=|url\(|@import|NaN|undefined/);
    for (const part of [
      'Loss by position, trained to 8',
      'Against gated-softmax',
      'Passkey: right answers by distance',
      'State and cost',
    ]) {
      expect(page).toContain(part);
      expect(read('report.md')).toContain(part);
    }
    expect(read('report.md')).toContain('](charts/loss-by-position-16.svg)');
  });

  it('can be opened as models', () => {
    const run = join('whole/runs', readdirSync(join(folder, 'whole/runs'))[0]!);
    const spawned = spawnSync(process.execPath, [runner, 'apps/cli', 'generate', run, '--max-tokens', '2'], place());
    expect(spawned.status).toBe(0);
  });
});

describe('going on', () => {
  it('repeats nothing that is finished', () => {
    const files = (run: string) =>
      readdirSync(join(folder, 'whole/runs', run)).map((name) => join('whole/runs', run, name));
    const times = () =>
      readdirSync(join(folder, 'whole/runs'))
        .flatMap(files)
        .map((name) => statSync(join(folder, name)).mtimeMs);
    const before = times();
    expect(compare('--out', 'whole').stderr).not.toContain('[1/8]');
    expect(times()).toEqual(before);
  });

  it('ends with the results of a run that was never killed, wherever it was', async () => {
    const steps = (run: string) => {
      const path = join(folder, 'killed/runs', run, 'steps.jsonl');
      return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
    };
    const measured = (run: string) => existsSync(join(folder, 'killed/runs', run, 'loss.json'));
    const moments = [
      () => steps('gated-softmax-c8-s0') >= 5,
      () => measured('gated-softmax-c8-s1'),
      () => steps('conformal-b-from-noise-c8-s0') >= 8,
    ];
    for (const moment of moments) {
      const child = spawn(process.execPath, args('--out', 'killed'), { ...place(), stdio: 'ignore' });
      const ended = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)));
      const timer = setInterval(() => {
        if (moment()) child.kill('SIGKILL');
      }, 1);
      expect(await ended).toBe('SIGKILL');
      clearInterval(timer);
    }
    const { code, stderr } = compare('--out', 'killed');
    expect(stderr).toContain('going on from step');
    expect(code).toBe(0);
    expect(JSON.stringify(results('killed'))).toBe(JSON.stringify(results('whole')));
  }, 120_000);

  it('in parts on several machines comes to the same', () => {
    const half = compare('--out', 'one', '--only', 'gated*', '--json');
    expect(JSON.parse(half.stdout)).toMatchObject({ finished: false });
    expect((JSON.parse(half.stdout) as Status).runs.map(({ status }) => status)).toEqual(Array(4).fill('finished'));
    expect(compare('--out', 'two', '--only', 'conformal').code).toBe(0);
    for (const run of readdirSync(join(folder, 'two/runs')))
      rmSync(join(folder, 'two/runs', run, 'checkpoints'), { recursive: true });
    const whole = compare('--out', 'one', '--merge', 'two', '--json');
    expect(whole.stderr).toContain('two: 4 finished runs taken');
    expect(JSON.parse(whole.stdout)).toMatchObject({ finished: true });
    expect(JSON.stringify(results('one'))).toBe(JSON.stringify(results('whole')));
  }, 120_000);

  it('stops in time when told to, with everything saved', () => {
    writeFileSync(
      join(folder, 'long.json'),
      JSON.stringify({ ...experiment, training: { ...experiment.training, steps: 100_000 } }),
    );
    const long = (...more: string[]) => {
      const all = [
        runner,
        'apps/cli',
        'compare',
        'long.json',
        '--data',
        'text',
        '--backend',
        'js',
        '--out',
        'long',
        ...more,
      ];
      return spawnSync(process.execPath, all, { encoding: 'utf8', ...place() });
    };
    const { status, stderr, stdout } = long('--max-seconds', '1.5', '--json');
    expect(status).toBe(0);
    expect(stderr).toContain('stopped at gated-softmax-c8-s0');
    const [first] = (JSON.parse(stdout) as Status).runs;
    expect(first!.status).toMatch(/^step \d+$/);
    expect(long('--dry-run').stdout).toContain(`| ${first!.status} |`);
    expect(readFileSync(join(folder, 'long/report.md'), 'utf8')).toContain('0 of 8 runs are finished');
  }, 60_000);

  it('measures again what is to be measured otherwise, and trains nothing again', () => {
    cpSync(join(folder, 'whole'), join(folder, 'again'), { recursive: true });
    writeFileSync(join(folder, 'y.json'), JSON.stringify({ ...experiment, evaluation: { length: 32 } }));
    const { stderr } = spawnSync(
      process.execPath,
      [runner, 'apps/cli', 'compare', 'y.json', '--data', 'text', '--out', 'again'],
      {
        encoding: 'utf8',
        ...place(),
      },
    );
    expect(stderr).not.toContain('step');
    expect(results('again')).toMatchObject({ length: 32, runs: Array(8).fill({ loss: { length: 32 } }) });
  }, 60_000);
});

describe('mistakes', () => {
  const run = (file: object, ...more: string[]) => {
    writeFileSync(join(folder, 'z.json'), JSON.stringify(file));
    return spawnSync(process.execPath, [runner, 'apps/cli', 'compare', 'z.json', '--backend', 'js', ...more], {
      encoding: 'utf8',
      ...place(),
    });
  };
  const data = ['--data', 'text'];
  it.each<[string, object, string[], number, RegExp]>([
    [
      'in the file',
      { ...experiment, seeds: 3 },
      data,
      2,
      /^sympow: seeds in z\.json is 3; expected a list of at least one seed\.$/,
    ],
    ['no data', experiment, [], 2, /data\.paths in z\.json is missing.*--data/],
    ['data that is not there', experiment, ['--data', 'nowhere'], 1, /nowhere/],
    [
      'a test that there is none of',
      { ...experiment, recall: [{ task: 'sort', length: 9 }] },
      data,
      2,
      /recall\[0\] in z\.json: task is "sort"; expected one of recall/,
    ],
    [
      'a test of other tokens',
      { ...experiment, recall: [{ task: 'recall', options: { keys: 300 }, length: 99 }] },
      data,
      2,
      /vocabulary of recall\[0\] in z\.json is 444; expected at most the 256/,
    ],
    [
      'a run that there is none of',
      experiment,
      [...data, '--only', 'zebra'],
      2,
      /--only is "zebra"; expected part of a name/,
    ],
    [
      'another experiment in the folder',
      { ...experiment, model: { ...experiment.model, hiddenSize: 8 } },
      [...data, '--out', 'whole'],
      2,
      /model\.hidden_size of .*gated-softmax-c8-s0 is 8; expected 16, as the run began\..*another --out/,
    ],
    [
      'other data than before',
      { ...experiment, data: { heldOut: 0.3 } },
      [...data, '--out', 'whole'],
      2,
      /data\..* of .* as the run began/,
    ],
    ['a folder to merge that is none', experiment, [...data, '--merge', 'nowhere'], 2, /--merge is "nowhere"/],
    ['a word for a time', experiment, [...data, '--max-seconds', 'soon'], 2, /--max-seconds.*soon/],
    ['two things at once', experiment, [...data, '--dry-run', '--report'], 2, /--dry-run/],
  ])('%s', (_, file, more, code, says) => {
    const { status, stderr } = run(file, ...more);
    expect(stderr.trim().split('\n').at(-1)).toMatch(says);
    expect(stderr).not.toContain('unexpected');
    expect(status).toBe(code);
  });
});
