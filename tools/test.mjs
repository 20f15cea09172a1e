// Runs Vitest with the arguments given and ends with the line `N passed, N failed, N skipped`. Where there is no Chromium,
// each file of browser tests counts as one that was skipped.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, installChromium, noChromium } from './chromium.mjs';
import { installMpi } from './mpirun/install.mjs';
import { root } from './workspace.mjs';

installChromium();
installMpi();

const folder = mkdtempSync(join(tmpdir(), 'sympow-test-'));
const report = join(folder, 'report.json');

const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);

let passed = 0;
let failed = 0;
let skipped = 0;
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  passed = result.numPassedTests;
  failed = result.numFailedTests;
  skipped = result.numPendingTests + result.numTodoTests;
  // A file that did not load has no tests that could have failed.
  /** @type {{ status: string, assertionResults: { status: string }[] }[]} */
  const files = result.testResults;
  failed += files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
} catch {
  // No report: Vitest itself failed, which the status tells.
}
rmSync(folder, { recursive: true });
if (status !== 0 && failed === 0) failed = 1;
if (!findChromium()) process.stdout.write(`browser tests did not run: ${noChromium()}\n`);
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 ? 1 : 0;
