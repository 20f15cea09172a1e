/** Programs of several processes for tests, and what came of them. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installMpi, noMpi } from '../install.mjs';

export { noMpi };

/** How a job ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From its start. */
  readonly seconds: number;
}

/** A job under way. */
export interface Job {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once the job has written something like this to standard error, or has ended. */
  says(pattern: RegExp): Promise<void>;
}

/** What starts a job beside its program. */
export interface JobOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** More arguments of `mpirun`. */
  readonly mpi?: readonly string[];
  /** Seconds after which it is killed; default 120. */
  readonly limit?: number;
}

let ready = false;

/** Installs Open MPI where it may, and bundles the packages; to be called before the first job. */
export function prepareMpi(): void {
  if (ready) return;
  installMpi();
  const bundle = fileURLToPath(new URL('../../bundle.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [bundle], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  ready = true;
}

const root = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];

/** `mpirun -n processes node …args`. */
export function started(processes: number, args: readonly string[], options: JobOptions = {}): Job {
  const { cwd, env = process.env, mpi = [], limit = 120 } = options;
  const start = performance.now();
  const all = [...root, '--oversubscribe', ...mpi, '-n', `${processes}`, process.execPath, ...args];
  const child = spawn('mpirun', all, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  const heard: (() => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const each of heard) each();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * limit);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr, seconds: (performance.now() - start) / 1000 });
    });
  });
  const says = (pattern: RegExp) =>
    Promise.race([
      ended.then(() => undefined),
      new Promise<void>((resolve) => {
        const look = () => {
          if (pattern.test(stderr)) resolve();
        };
        heard.push(look);
        look();
      }),
    ]);
  return { child, ended, says };
}

/** Whether these tests are to be left out: in CI they fail instead. */
export const withoutMpi = (): boolean => noMpi() !== undefined && !process.env.CI && process.getuid?.() !== 0;
