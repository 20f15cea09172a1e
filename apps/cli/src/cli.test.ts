// The program as a person runs it: what it prints, where, and with which exit code.

import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const runner = fileURLToPath(new URL('../../../tools/run.mjs', import.meta.url));
let folder: string;
let text: string;
let checkpoint: string;

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Where the program runs: npm and pnpm, which may run these tests, say it in a variable as well. */
const place = () => ({ cwd: folder, env: { ...process.env, INIT_CWD: folder } });

function sympow(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, 'apps/cli', ...args], {
    encoding: 'utf8',
    ...place(),
  });
  return { code: status, stdout, stderr };
}

const tiny = ['--layers', '1', '--hidden', '16', '--heads', '2', '--head-size', '8', '--context', '16', '--batch', '2'];
const train = (out: string, ...more: string[]) => [
  'train',
  text,
  '--out',
  join(folder, out),
  ...tiny,
  '--eval-every',
  '4',
  '--eval-rows',
  '4',
  ...more,
];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sympow-cli-'));
  text = join(folder, 'text.txt');
  writeFileSync(text, 'It was the best of times, it was the worst of times. '.repeat(80));
  writeFileSync(join(folder, 'empty.txt'), '');
  const { code, stderr } = sympow(...train('run', '--steps', '4'));
  expect(stderr).toContain('checkpoint');
  expect(code).toBe(0);
  checkpoint = join(folder, 'run/checkpoints/step-00000004');
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the checkpoint to do harm to. */
function harmed(name: string, harm: (path: string) => void): string {
  const path = join(folder, name);
  cpSync(checkpoint, path, { recursive: true });
  harm(path);
  return path;
}

describe('what a person gets wrong is answered in one line that names the value and the remedy', () => {
  const cases: { name: string; args: () => string[]; code: 1 | 2; says: RegExp }[] = [
    { name: 'no such text', args: () => ['train', 'nowhere.txt', '--out', 'x'], code: 1, says: /nowhere\.txt/ },
    {
      name: 'an empty text',
      args: () => ['train', 'empty.txt', '--out', 'x'],
      code: 1,
      says: /empty\.txt holds no text/,
    },
    {
      name: 'a context longer than the text',
      args: () => [...train('x'), '--context', '99999'],
      code: 1,
      says: /99999.*(shorter|more text)/,
    },
    {
      name: 'p = 0',
      args: () => [...train('x'), '--power', '0'],
      code: 1,
      says: /power is 0; expected a whole number of at least 1/,
    },
    {
      name: 'an odd p with the sum normaliser',
      args: () => [...train('x'), '--power', '3'],
      code: 1,
      says: /power is 3; expected an even number.*normalizer none/,
    },
    {
      name: 'heads that do not divide',
      args: () => [...train('x'), '--heads', '4', '--kv-heads', '3'],
      code: 1,
      says: /heads is 4; expected a multiple of keyValueHeads, 3/,
    },
    {
      name: 'an odd head size',
      args: () => [...train('x'), '--head-size', '7'],
      code: 1,
      says: /headSize is 7; expected an even number/,
    },
    {
      name: 'a batch that does not divide into pieces',
      args: () => [...train('x'), '--batch', '4', '--accumulate', '3'],
      code: 1,
      says: /accumulate is 3; expected a divisor of the batch, 4/,
    },
    {
      name: 'a state that no memory holds',
      args: () => [...train('x'), '--power', '40', '--head-size', '512'],
      code: 1,
      says: /bytes|B\b/,
    },
    {
      name: 'a run that was begun otherwise',
      args: () => [...train('run', '--steps', '4'), '--lr', '0.5'],
      code: 1,
      says: /learningRate/,
    },
    {
      name: 'a folder with a run and --no-resume',
      args: () => [...train('run', '--steps', '4'), '--no-resume'],
      code: 1,
      says: /another folder/,
    },
    { name: 'no checkpoint', args: () => ['generate', folder], code: 1, says: /no checkpoint/ },
    { name: 'an empty prompt', args: () => ['generate', checkpoint, '--prompt', ''], code: 1, says: /prompt is empty/ },
    {
      name: 'a state that is none',
      args: () => ['generate', checkpoint, '--state-in', join(checkpoint, 'model.safetensors')],
      code: 1,
      says: /no state/,
    },
    {
      name: 'truncated weights',
      args: () => ['generate', harmed('short', (path) => truncateSync(join(path, 'model.safetensors'), 2000))],
      code: 1,
      says: /model\.safetensors/,
    },
    {
      name: 'weights whose header lies',
      args: () => ['generate', harmed('lying', (path) => lie(join(path, 'model.safetensors')))],
      code: 1,
      says: /model\.safetensors/,
    },
    {
      name: 'a configuration of another model',
      args: () => [
        'generate',
        harmed('other', (path) => edit(join(path, 'config.json'), /"hidden_size": 16/, '"hidden_size": 32')),
      ],
      code: 1,
      says: /model\.safetensors/,
    },
    {
      name: 'a configuration that is no JSON',
      args: () => ['eval', harmed('broken', (path) => writeFileSync(join(path, 'config.json'), '{')), text],
      code: 1,
      says: /config\.json/,
    },
    {
      name: 'an evaluation longer than the text',
      args: () => ['eval', checkpoint, text, '--length', '9999999'],
      code: 1,
      says: /9999999/,
    },
    { name: 'an unknown command', args: () => ['fly'], code: 2, says: /unknown command 'fly'/ },
    { name: 'an unknown option', args: () => ['doctor', '--fast'], code: 2, says: /unknown option '--fast'/ },
    { name: 'a missing option', args: () => ['train', text], code: 2, says: /--out/ },
    {
      name: 'a word for a number',
      args: () => [...train('x'), '--steps', 'many'],
      code: 2,
      says: /--steps.*many.*whole number/s,
    },
    {
      name: 'an unknown backend',
      args: () => ['generate', checkpoint, '--backend', 'abacus'],
      code: 2,
      says: /--backend.*abacus.*js/,
    },
    {
      name: 'an unknown variant',
      args: () => [...train('x'), '--variant', 'quartic'],
      code: 2,
      says: /--variant.*quartic.*conformal/s,
    },
  ];
  it.each(cases)('$name: exit code $code', ({ args, code, says }) => {
    const ran = sympow(...args());
    expect(ran.stderr).toMatch(says);
    expect(ran.stderr).not.toMatch(/\n\s+at /);
    expect(ran.stderr).not.toContain('unexpected');
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe('');
  });

  it('--debug shows the stack', () => {
    expect(sympow('generate', folder, '--debug').stderr).toMatch(/CheckpointError[\s\S]*\n\s+at /);
  });
});

function edit(path: string, from: RegExp, to: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
}

/** Makes the first tensor of a safetensors file claim bytes that it does not have, without moving anything. */
function lie(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf('"data_offsets":[0,');
  bytes.write('9', at + '"data_offsets":['.length);
  writeFileSync(path, bytes);
}

describe('results', () => {
  it('--json ends standard output with one object, and everything else is on standard error', () => {
    const { stdout, code } = sympow(...train('json', '--steps', '4', '--json'));
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const keys = ['checkpoint', 'heldOutLoss', 'parameters', 'steps', 'tokensPerSecond', 'trainLoss'];
    expect(Object.keys(JSON.parse(stdout) as object).sort()).toEqual(keys);
  });

  it('eval gives bins, documents, speed and bytes, a chart and an SVG', () => {
    const svg = join(folder, 'loss.svg');
    const { stdout, code } = sympow(
      'eval',
      checkpoint,
      text,
      '--length',
      '128',
      '--streams',
      '3',
      '--svg',
      svg,
      '--json',
    );
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    for (const key of ['bins', 'documents', 'tokensPerSecond', 'stateBytes', 'cacheBytes'])
      expect(result).toHaveProperty(key);
    const [first] = result.bins as Record<string, unknown>[];
    for (const key of ['from', 'to', 'nats', 'stderr', 'count']) expect(first).toHaveProperty(key);
    expect(readFileSync(svg, 'utf8')).toContain('<svg');
  });

  it('the same seed writes the same text, and a saved state goes on where the text ended', () => {
    const state = join(folder, 'state.safetensors');
    const write = (...more: string[]) =>
      sympow('generate', checkpoint, '--prompt', 'It was', '--temperature', '0', ...more).stdout;
    const whole = write('--max-tokens', '20');
    expect(write('--max-tokens', '20')).toBe(whole);
    const part = write('--max-tokens', '10', '--state-out', state);
    expect(whole.startsWith(part.trimEnd())).toBe(true);
    expect(sympow('generate', checkpoint, '--prompt', ' ', '--max-tokens', '3', '--state-in', state).code).toBe(0);
  });

  it('doctor measures what there is', () => {
    const { stdout, code } = sympow('doctor', '--json');
    expect(code).toBe(0);
    const { backends } = JSON.parse(stdout) as { backends: { name: string; available: boolean; gflops: number }[] };
    expect(backends.find(({ name }) => name === 'js')).toMatchObject({ available: true });
    expect(backends.find(({ name }) => name === 'js')!.gflops).toBeGreaterThan(0);
  });

  it.each(['train', 'eval', 'compare', 'generate', 'data prepare', 'data info', 'doctor', 'demo'])(
    '%s has a help text',
    (command) => {
      const { stdout, code } = sympow(...command.split(' '), '--help');
      expect(code).toBe(0);
      for (const option of ['--seed', '--json', '--debug']) expect(stdout).toContain(option);
    },
  );
});

describe('data', () => {
  const out = (name: string) => join(folder, name);

  it('prepare writes tokens, info says what they are, and a model trains on them and keeps their tokenizer', () => {
    const prepared = sympow('data', 'prepare', text, '--out', out('text.bin'), '--tokenizer', 'gpt2', '--json');
    expect(prepared.code).toBe(0);
    const { written } = JSON.parse(prepared.stdout) as { written: { documents: number; tokens: number }[] };
    const { stdout } = sympow('data', 'info', out('text.bin'), '--show', '6', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      documents: 1,
      tokens: written[0]!.tokens + 1,
      tokenizer: 'gpt2',
      endOfText: 50256,
      details: { kind: 'bin', dtype: 'uint16' },
      first: { text: '<|endoftext|>It was the best of' },
    });
    const model = [
      '--layers',
      '1',
      '--hidden',
      '8',
      '--heads',
      '1',
      '--head-size',
      '8',
      '--context',
      '8',
      '--batch',
      '1',
    ];
    const trained = sympow(
      'train',
      out('text.bin'),
      '--out',
      out('gpt2'),
      ...model,
      '--steps',
      '1',
      '--eval-rows',
      '2',
    );
    expect(trained.stderr).toContain('nats per token');
    expect(trained.code).toBe(0);
    const { stdout: said, code } = sympow('generate', out('gpt2'), '--prompt', 'It was', '--max-tokens', '3');
    expect([said.startsWith('It was'), code]).toEqual([true, 0]);
    // Text is then encoded as the model knows it.
    const judged = sympow('eval', out('gpt2'), text, '--length', '16', '--streams', '2', '--json');
    expect(judged.code).toBe(0);
    expect((JSON.parse(judged.stdout) as { bitsPerByte: number }).bitsPerByte).toBeGreaterThan(0);
  }, 60_000);

  it('what is held out goes elsewhere', () => {
    const args = ['--out', out('train.zarr'), '--held-out-to', out('rest.zarr'), '--length', '64', '--chunk', '8x32'];
    expect(sympow('data', 'prepare', text, ...args).code).toBe(0);
    const { stdout } = sympow('data', 'info', out('train.zarr'), out('rest.zarr'));
    expect(stdout).toMatch(/documents {2}\d+ of 64 tokens/);
  });

  it('a run that is killed goes on, and ends with the same bytes', async () => {
    writeFileSync(out('large.txt'), 'It was the season of Light, it was the season of Darkness. '.repeat(300_000));
    const args = (name: string) => [
      'data',
      'prepare',
      'large.txt',
      '--out',
      name,
      '--length',
      '16384',
      '--chunk',
      '256x8192',
    ];
    expect(sympow(...args('whole.zarr')).code).toBe(0);
    const killed = spawn(process.execPath, [runner, 'apps/cli', ...args('killed.zarr')], place());
    const timer = setInterval(() => {
      if (
        readdirSync(folder).includes('killed.zarr.partial') &&
        readdirSync(out('killed.zarr.partial')).includes('prepare.json')
      ) {
        killed.kill('SIGKILL');
      }
    }, 2);
    await new Promise((resolve) => killed.on('close', resolve));
    clearInterval(timer);
    expect(readdirSync(folder)).not.toContain('killed.zarr');
    const again = sympow(...args('killed.zarr'));
    expect(again.stderr).toMatch(/going on with killed\.zarr after \d+ documents/);
    expect(spawnSync('diff', ['-r', 'whole.zarr', 'killed.zarr'], { cwd: folder }).status).toBe(0);
  }, 60_000);

  it.each([
    [
      'a tokenizer that there is not',
      ['data', 'info', 'text.txt', '--tokenizer', 'gpt9'],
      2,
      /--tokenizer is "gpt9"; expected one of bytes, gpt2/,
    ],
    ['a chunk of one size', ['data', 'prepare', 'text.txt', '--out', 'x.zarr', '--chunk', '64'], 2, /--chunk is "64"/],
    ['a place for neither kind', ['data', 'prepare', 'text.txt', '--out', 'x.txt'], 1, /ends in \.bin or \.zarr/],
    [
      'documents longer than the text',
      ['data', 'prepare', 'text.txt', '--out', 'x.zarr'],
      1,
      /none of the texts.*65536/,
    ],
    ['no array', ['data', 'info', 'nowhere.zarr'], 1, /there is no Zarr array at nowhere\.zarr/],
    ['no server', ['data', 'info', 'http://127.0.0.1:9/x.bin'], 1, /cannot read http.*tried 6 times/],
    ['no command', ['data', 'fly'], 2, /unknown command 'fly'/],
  ] as const)(
    '%s is answered in one line',
    (_, args, code, says) => {
      const ran = sympow(...args);
      expect(ran.stderr).toMatch(says);
      expect([ran.code, ran.stdout]).toEqual([code, '']);
    },
    30_000,
  );
});

describe('stopping', () => {
  it('Ctrl-C saves, and the same command ends with the weights of a run that was not stopped', async () => {
    const args = (out: string) => train(out, '--steps', '60', '--checkpoint-every', '1000');
    const whole = sympow(...args('whole'));
    expect(whole.code).toBe(0);
    const stopped = spawn(process.execPath, [runner, 'apps/cli', ...args('stopped')], place());
    let words = '';
    stopped.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (words.length === 0 || !words.includes('step 4:')) {
        words += chunk;
        if (words.includes('step 4:')) stopped.kill('SIGINT');
      } else words += chunk;
    });
    const code = await new Promise((resolve) => stopped.on('close', resolve));
    expect(words).toContain('the same command goes on from there');
    expect(code).toBe(0);
    expect(sympow(...args('stopped')).stderr).toContain('going on from');
    const weights = (run: string) => readFileSync(join(folder, run, 'checkpoints/step-00000060/model.safetensors'));
    expect(weights('stopped').equals(weights('whole'))).toBe(true);
  }, 60_000);

  it('Ctrl-C ends an evaluation in one word', async () => {
    writeFileSync(join(folder, 'long.txt'), 'It was the age of wisdom, it was the age of foolishness. '.repeat(40_000));
    const args = ['eval', checkpoint, 'long.txt', '--part', 'all', '--length', '200000', '--streams', '8'];
    const stopped = spawn(process.execPath, [runner, 'apps/cli', ...args], place());
    let words = '';
    stopped.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      words += chunk;
      if (chunk.includes('position')) stopped.kill('SIGINT');
    });
    const code = await new Promise((resolve) => stopped.on('close', resolve));
    expect(words.trim().split('\n').at(-1)).toBe('sympow: stopped');
    expect(code).toBe(130);
  }, 60_000);
});

describe('two processes on one run', () => {
  const lock = (run: string) => join(folder, run, 'in-use.json');
  const claimed = (run: string, owner: string) => {
    mkdirSync(join(folder, run));
    writeFileSync(lock(run), owner);
    return sympow(...train(run, '--steps', '1'));
  };

  it('the second is refused', () => {
    const { code, stderr } = claimed('taken', JSON.stringify({ pid: process.pid, host: hostname() }));
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^sympow: process \d+ on .* is at work in .*taken/);
    expect(code).toBe(1);
    expect(readdirSync(join(folder, 'taken'))).toEqual(['in-use.json']);
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
    expect(readdirSync(join(folder, run))).toEqual(['checkpoints']);
  });
});

describe('a full disk', () => {
  const disk = () => join(folder, 'disk');
  const mount = () => spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk()]).status === 0;

  it('stops with one line, and the last good checkpoint stays', ({ skip }) => {
    mkdirSync(disk());
    if (!mount()) skip('needs the right to mount a small tmpfs');
    try {
      const args = [
        'train',
        text,
        '--out',
        join(disk(), 'run'),
        ...tiny,
        '--steps',
        '8',
        '--checkpoint-every',
        '4',
        '--keep',
        '9',
      ];
      const first = sympow(...args, '--steps', '4', '--hidden', '16');
      expect(first.code).toBe(0);
      writeFileSync(join(disk(), 'ballast'), Buffer.alloc(roomLeft() - 8192));
      const { code, stderr } = sympow(...args);
      expect(stderr).toMatch(/no space|disk.*full|full disk/i);
      expect(code).toBe(1);
      expect(readdirSync(join(disk(), 'run/checkpoints'))).toEqual(['step-00000004']);
      rmSync(join(disk(), 'ballast'));
      expect(sympow('generate', join(disk(), 'run'), '--max-tokens', '3').code).toBe(0);
    } finally {
      spawnSync('umount', [disk()]);
    }
  });

  function roomLeft(): number {
    const { stdout } = spawnSync('df', ['--output=avail', '-B1', disk()], { encoding: 'utf8' });
    return Number(stdout.trim().split('\n').at(-1));
  }
});
