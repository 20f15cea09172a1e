// A folder in which the program runs as a person runs it, with a text and a small run in it; for tests only.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('../../../tools/run.mjs', import.meta.url));

/** How the program ended. */
export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'sympow-cli-'));
  /** A text of some kilobytes. */
  readonly text = this.at('text.txt');
  /** The size of a model that is trained in a moment. */
  readonly tiny = [
    ...['--layers', '1', '--hidden', '16', '--heads', '2', '--head-size', '8', '--context', '16', '--batch', '2'],
  ];

  constructor() {
    writeFileSync(this.text, 'It was the best of times, it was the worst of times. '.repeat(80));
  }

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** npm and pnpm, which may run these tests, say where the program runs in a variable as well. */
  get place() {
    return { cwd: this.folder, env: { ...process.env, INIT_CWD: this.folder } };
  }

  /** What Node is given to run the program. */
  command(...args: string[]): string[] {
    return [runner, 'apps/cli', ...args];
  }

  /** Runs the program to its end. */
  sympow(...args: string[]): Ran {
    const { status, stdout, stderr } = spawnSync(process.execPath, this.command(...args), {
      encoding: 'utf8',
      ...this.place,
    });
    return { code: status, stdout, stderr };
  }

  /** Runs a line of bash, in which `sympow` is the program. */
  shell(line: string, input = ''): Ran {
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', `sympow() { "$NODE" "$RUNNER" apps/cli "$@"; }\n${line}`],
      {
        encoding: 'utf8',
        input,
        timeout: 60_000,
        cwd: this.folder,
        env: { ...this.place.env, NODE: process.execPath, RUNNER: runner },
      },
    );
    return { code: status, stdout, stderr };
  }

  /** Starts the program. */
  start(...args: string[]): ChildProcess {
    return spawn(process.execPath, this.command(...args), this.place);
  }

  /** The arguments that train a small model on the text. */
  train(out: string, ...more: string[]): string[] {
    return ['train', this.text, '--out', this.at(out), ...this.tiny, '--eval-every', '4', '--eval-rows', '4', ...more];
  }

  /** Trains one, and says where its checkpoint is. */
  checkpoint(): string {
    const { code, stderr } = this.sympow(...this.train('run', '--steps', '4'));
    if (code !== 0) throw new Error(stderr);
    return this.at('run/checkpoints/step-00000004');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
