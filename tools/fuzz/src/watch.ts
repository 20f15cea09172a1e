// Another process, and how long it has been with one input. It writes the number of the input into a file, as a process that
// hangs or dies can say nothing any more.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How a process ended. */
export interface Watched {
  /** What it wrote to standard output. */
  readonly output: string;
  /** Its last lines of standard error. */
  readonly errors: string;
  /** Whether it was ended because one input took too long. */
  readonly hung: boolean;
  /** Null where a signal ended it. */
  readonly code: number | null;
  /** The input that it was at. */
  readonly run: number;
}

/** Writes the number of an input for whoever watches. */
export function progress(path: string): (run: number) => void {
  const file = openSync(path, 'r+');
  const number = new Float64Array(1);
  return (run) => {
    number[0] = run;
    writeSync(file, number, 0, 8, 0);
  };
}

/**
 * Runs a program of Node until it ends, or is with one input for longer than `hang` milliseconds.
 *
 * @param command - given the path for {@link progress} as its last argument
 */
export async function watch(command: readonly string[], hang: number): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const path = join(folder, 'run');
  const file = openSync(path, 'w+');
  const number = new Float64Array(1).fill(-1);
  writeSync(file, number, 0, 8, 0);
  // What it writes goes with it, however it ends.
  const env = { ...process.env, TMPDIR: folder, TEMP: folder };
  const child = spawn(process.execPath, [...command, path], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let [output, errors, hung] = ['', '', false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (errors = (errors + text).slice(-4000)));
  let since = performance.now();
  let last = -1;
  const timer = setInterval(() => {
    readSync(file, number, 0, 8, 0);
    // Loading takes the time that it takes.
    if (number[0] !== last || last < 0) since = performance.now();
    last = number[0]!;
    if (performance.now() - since < hang) return;
    hung = true;
    child.kill('SIGKILL');
  }, 100);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    readSync(file, number, 0, 8, 0);
    return { output, errors, hung, code, run: number[0]! };
  } finally {
    clearInterval(timer);
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}
