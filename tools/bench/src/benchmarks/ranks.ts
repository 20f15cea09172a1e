/** Two processes with one thread each that train together, against one with one thread. */

import { spawn } from 'node:child_process';
import type { Benchmark } from '../benchmark';
import { expectClose } from '../check';
import type { RankSteps } from '../rankSteps';
import { trainingSizes } from '../training';

const rounds = 4;

export const ranks: Benchmark = {
  name: 'ranks',
  summary: 'two processes that train together, with one thread each, against one',
  onBackend: true,
  async *run({ backendName, quick, say }) {
    const { layers, B, T } = trainingSizes(quick);
    const rows = quick ? 4 * B : B;
    const best: Record<number, RankSteps> = {};
    for (let round = 0; round < (quick ? 1 : rounds); round++) {
      for (const processes of [1, 2]) {
        const first = await together(processes, backendName, quick);
        if (typeof first === 'string') {
          say(`left out: ${first}`);
          return;
        }
        if (!best[processes] || first.step < best[processes].step) best[processes] = first;
      }
    }
    const [one, two] = [best[1]!, best[2]!];
    expectClose('the loss after steps', [two.loss], [one.loss], 1e-4);
    for (const [processes, first] of Object.entries(best)) say(`${processes}: ${describe(first)}`);
    const shape = `${layers} layers of 128, ${rows}×${T} tokens, fastest of ${quick ? 1 : rounds}`;
    const tokens = rows * T;
    const row = { shape, peerName: '1 process, 1 thread', unit: 'tokens/s' } as const;
    yield { ...row, ours: tokens / two.step, peer: tokens / one.step };
    yield {
      ...{ ...row, shape: `${shape}, without waits for a processor`, part: 'free' },
      ...{ ours: tokens / free(two), peer: tokens / free(one) },
    };
  },
};

/** Seconds of a step had the threads that compute never waited for a processor: they compute, and wait for sums. */
const free = ({ computing, waiting }: RankSteps) => computing + waiting;

const milliseconds = (seconds: number) => `${(1e3 * seconds).toFixed(1)} ms`;
const describe = ({ step, computing, helping, waiting, queued }: RankSteps) =>
  [
    `a step takes ${milliseconds(step)}, in which the first process computes ${milliseconds(computing)}`,
    `waits for sums ${milliseconds(waiting)} and for a processor ${milliseconds(queued)}`,
    `other threads take ${milliseconds(helping)}`,
  ].join(', ');

/** Steps of several processes that run this same program, or why there are none. */
function together(processes: number, backendName: string, quick: boolean): Promise<RankSteps | string> {
  const flags = ['--rank-steps', quick ? '6' : '20', '--backend', backendName, ...(quick ? ['--quick'] : [])];
  const root = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  const mpi = [...root, '--oversubscribe', '--bind-to', 'none', '-n', `${processes}`];
  const program = [process.execPath, ...process.execArgv, process.argv[1]!, ...flags];
  const child = spawn('mpirun', [...mpi, ...program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  return new Promise((resolve, reject) => {
    child.on('error', (error) => resolve(`mpirun cannot be started: ${error.message}`));
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as RankSteps);
      else reject(new Error(`mpirun ended with ${code}`));
    });
  });
}
