// The commands about data.

import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
});
afterAll(() => scratch.remove());

describe('data', () => {
  const out = (name: string) => scratch.at(name);

  it('prepare writes tokens, info says what they are, and a model trains on them and keeps their tokenizer', () => {
    const prepared = scratch.sympow(
      'data',
      'prepare',
      scratch.text,
      '--out',
      out('text.bin'),
      '--tokenizer',
      'gpt2',
      '--json',
    );
    expect(prepared.code).toBe(0);
    const { written } = JSON.parse(prepared.stdout) as { written: { documents: number; tokens: number }[] };
    const { stdout } = scratch.sympow('data', 'info', out('text.bin'), '--show', '6', '--json');
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
    const trained = scratch.sympow(
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
    const { stdout: said, code } = scratch.sympow('generate', out('gpt2'), '--prompt', 'It was', '--max-tokens', '3');
    expect([said.startsWith('It was'), code]).toEqual([true, 0]);
    // Text is then encoded as the model knows it.
    const judged = scratch.sympow('eval', out('gpt2'), scratch.text, '--length', '16', '--streams', '2', '--json');
    expect(judged.code).toBe(0);
    expect((JSON.parse(judged.stdout) as { bitsPerByte: number }).bitsPerByte).toBeGreaterThan(0);
  }, 60_000);

  it('what is held out goes elsewhere', () => {
    const args = ['--out', out('train.zarr'), '--held-out-to', out('rest.zarr'), '--length', '64', '--chunk', '8x32'];
    expect(scratch.sympow('data', 'prepare', scratch.text, ...args).code).toBe(0);
    const { stdout } = scratch.sympow('data', 'info', out('train.zarr'), out('rest.zarr'));
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
    expect(scratch.sympow(...args('whole.zarr')).code).toBe(0);
    const killed = scratch.start(...args('killed.zarr'));
    const timer = setInterval(() => {
      if (
        readdirSync(scratch.folder).includes('killed.zarr.partial') &&
        readdirSync(out('killed.zarr.partial')).includes('prepare.json')
      ) {
        killed.kill('SIGKILL');
      }
    }, 2);
    await new Promise((resolve) => killed.on('close', resolve));
    clearInterval(timer);
    expect(readdirSync(scratch.folder)).not.toContain('killed.zarr');
    const again = scratch.sympow(...args('killed.zarr'));
    expect(again.stderr).toMatch(/going on with killed\.zarr after \d+ documents/);
    expect(spawnSync('diff', ['-r', 'whole.zarr', 'killed.zarr'], { cwd: scratch.folder }).status).toBe(0);
  }, 60_000);

  it.each([
    [
      'a tokenizer that there is not',
      ['data', 'info', 'text.txt', '--tokenizer', 'gpt9'],
      2,
      /--tokenizer is "gpt9"; expected one of bytes, gpt2/,
    ],
    ['a chunk of one size', ['data', 'prepare', 'text.txt', '--out', 'x.zarr', '--chunk', '64'], 2, /--chunk is "64"/],
    ['a place for neither kind', ['data', 'prepare', 'text.txt', '--out', 'x.txt'], 2, /ends in \.bin or \.zarr/],
    [
      'documents longer than the text',
      ['data', 'prepare', 'text.txt', '--out', 'x.zarr'],
      1,
      /none of the texts.*65536/,
    ],
    ['no array', ['data', 'info', 'nowhere.zarr'], 1, /there is no Zarr array at nowhere\.zarr/],
    ['a port that no client asks', ['data', 'info', 'http://127.0.0.1:9/x.bin'], 1, /cannot read http.*bad port/],
    ['no command', ['data', 'fly'], 2, /unknown command 'fly'/],
  ] as const)(
    '%s is answered in one line',
    (_, args, code, says) => {
      const ran = scratch.sympow(...args);
      expect(ran.stderr).toMatch(says);
      expect([ran.code, ran.stdout]).toEqual([code, '']);
    },
    30_000,
  );
});
