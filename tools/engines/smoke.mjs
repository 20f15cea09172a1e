// The command line on each engine, from the first question to a text: doctor, a tiny training, its evaluation, and what it
// writes. Ends with the line `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../bundle.mjs';
import { root } from '../workspace.mjs';
import { engines, install } from './engines.mjs';

install();
await bundle();
const main = join(root, 'apps/cli/dist/main.js');
const counts = { passed: 0, failed: 0 };

for (const { name, program } of engines().filter(({ name }) => name.startsWith('node'))) {
  const cwd = mkdtempSync(join(tmpdir(), `sympow-${name}-`));
  writeFileSync(join(cwd, 'text.txt'), 'It was the best of times, it was the worst of times. '.repeat(80));
  const model = ['--layers', '1', '--hidden', '16', '--heads', '2', '--head-size', '8'];
  const commands = [
    ['doctor'],
    ['train', 'text.txt', '--out', 'run', ...model, '--context', '16', '--batch', '2', '--steps', '4'],
    ['eval', 'run', 'text.txt', '--length', '128', '--streams', '3'],
    ['generate', 'run', '--prompt', 'It was', '--max-tokens', '20'],
  ];
  for (const args of commands) {
    // A first contact: nothing is remembered of this engine.
    const { status, signal, stdout, stderr } = spawnSync(program, [main, ...args, '--json'], {
      cwd,
      env: { ...process.env, XDG_CACHE_HOME: join(cwd, 'cache') },
      encoding: 'utf8',
      timeout: 120_000,
    });
    const passed = status === 0 && Object.keys(JSON.parse(stdout)).length > 0;
    counts[passed ? 'passed' : 'failed']++;
    process.stdout.write(`${passed ? '✓' : '✘'} ${name} ${args[0]}\n`);
    if (!passed) process.stdout.write(`${signal ?? `code ${status}`}\n${stdout}${stderr}\n`);
  }
  rmSync(cwd, { recursive: true });
}

process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, 0 skipped\n`);
if (counts.failed > 0 || counts.passed === 0) process.exit(1);
