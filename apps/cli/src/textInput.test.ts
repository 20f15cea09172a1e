// Where text comes from: encodings, standard input and pipes.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

const words = 'Die Wörter naïve und été. '.repeat(40);
const bytes = Buffer.byteLength(words);

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
  writeFileSync(scratch.at('utf16.txt'), Buffer.from(`\ufeff${words}`, 'utf16le'));
  writeFileSync(scratch.at('latin1.txt'), Buffer.from(words, 'latin1'));
  writeFileSync(scratch.at('thesis.docx'), Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from(words)]));
  writeFileSync(scratch.at('book.txt.gz'), gzipSync(words));
  writeFileSync(scratch.at('book.txt'), words);
  execFileSync('mkfifo', [scratch.at('pipe')]);
}, 60_000);
afterAll(() => scratch.remove());

const info = (stdout: string) => JSON.parse(stdout) as { name: string; tokens: number; first: { text: string } };

describe('text in another encoding', () => {
  it.each([
    ['thesis.docx', /it is a ZIP archive.*Convert it to plain text/],
    ['book.txt.gz', /it is compressed by gzip.*zcat/],
    ['utf16.txt', /it is UTF-16.*--encoding utf-16/],
    ['latin1.txt', /it is not UTF-8.*--encoding latin1/],
  ])('is not trained on, and the remedy is said: %s', (name, says) => {
    const { code, stderr } = scratch.sympow('train', name, '--out', `runs/${name}`, ...scratch.tiny, '--steps', '1');
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(says);
  });

  it('is read by every command where it is named', () => {
    for (const [name, encoding] of [
      ['utf16.txt', 'utf-16'],
      ['latin1.txt', 'latin1'],
    ] as const) {
      const { stdout } = scratch.sympow('data', 'info', name, '--encoding', encoding, '--show', '12', '--json');
      expect(info(stdout).tokens).toBe(bytes);
      expect(info(stdout).first.text).toBe('Die Wörter ');
      const out = `${name}.bin`;
      expect(scratch.sympow('data', 'prepare', name, '--encoding', encoding, '--out', out).code).toBe(0);
      expect(info(scratch.sympow('data', 'info', out, '--json').stdout).tokens).toBe(bytes);
      const trained = scratch.sympow(...scratch.train('x').map((arg) => (arg === scratch.text ? name : arg)), '--out', `runs/${name}`, '--encoding', encoding, '--steps', '1'); // prettier-ignore
      expect(trained.stderr).toContain('checkpoint');
      expect(trained.code).toBe(0);
    }
    const { code, stderr } = scratch.sympow('data', 'info', 'book.txt', '--encoding', 'latin-one');
    expect([code, stderr]).toEqual([
      expect.any(Number),
      expect.stringMatching(/encoding is "latin-one"; expected utf-8/),
    ]);
  }, 120_000);
});

describe('text that can be read once', () => {
  it.each([
    ['a pipe into -', 'zcat book.txt.gz | sympow data info - --json --show 12'],
    ['a file into /dev/stdin', 'sympow data info /dev/stdin --json --show 12 < book.txt'],
    ['a pipe of the shell', 'sympow data info <(zcat book.txt.gz) --json --show 12'],
    ['a named pipe, through standard input', 'cat book.txt > pipe & sympow data info - --json --show 12 < pipe'],
  ])('is read as the text that it is: %s', (_, line) => {
    const { code, stdout } = scratch.shell(line);
    expect(code).toBe(0);
    expect(info(stdout).tokens).toBe(bytes);
    expect(info(stdout).first.text).toBe('Die Wörter ');
  });

  it('is read from a socket, as the standard input of a child process is', () => {
    expect(info(scratch.shell('sympow data info - --json', words).stdout).tokens).toBe(bytes);
  });

  it('is trained on, gone on with and prepared', () => {
    const train = `sympow train <(zcat book.txt.gz) --out runs/pipe ${scratch.tiny.join(' ')} --eval-rows 4`;
    expect(scratch.shell(`${train} --steps 2`).code).toBe(0);
    const { stderr, code } = scratch.shell(`${train} --steps 4`);
    expect(stderr).toContain('step 2 of 4');
    expect(code).toBe(0);
    expect(scratch.shell('zcat book.txt.gz | sympow data prepare - <(zcat book.txt.gz) --out pipe.bin').code).toBe(0);
    expect(info(scratch.sympow('data', 'info', 'pipe.bin', '--json').stdout).tokens).toBe(2 * bytes);
  }, 120_000);

  it('is not waited for where nobody writes', () => {
    const { code, stderr } = scratch.shell('sympow data info pipe');
    expect(code).toBe(1);
    expect(stderr).toMatch(/is a named pipe; expected a text file .*which is the path "-"/);
  });
});

describe('an empty path', () => {
  it('is not the current folder', () => {
    for (const args of [
      ['data', 'info', ''],
      ['data', 'prepare', '', '--out', 'all.bin'],
      ['train', '', '--out', 'all'],
    ]) {
      const { code, stderr } = scratch.sympow(...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/path is ""; expected the name of a file or folder/);
    }
  });
});
