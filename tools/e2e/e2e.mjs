// `pnpm e2e [--all] [NAME…]`: the packed packages do real work on engines, under compilers, and in pages. Without `--all` what is
// quick; a name picks what begins with it. Ends with the line `N passed, N failed, N skipped`.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findChromium, noChromium } from '../chromium.mjs';
import { installPacked, packAll } from '../pack.mjs';
import { install, missingEngines } from './engines.mjs';
import { writePrograms } from './project.mjs';

const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true });

// First of all: entries ask which engines there are.
install();

/** @type {import('./project.mjs').Entry[]} */
const entries = [];
for (const file of readdirSync(fileURLToPath(new URL('entries', import.meta.url))).sort()) {
  entries.push(await import(`./entries/${file}`));
}

const project = mkdtempSync(join(tmpdir(), 'sympow-e2e-'));
const chosen = entries
  .flatMap(({ tries, packages = {} }) => tries(project).map((each) => ({ ...each, packages })))
  .filter(({ name, fast }) =>
    positionals.length > 0 ? positionals.some((wanted) => name.startsWith(wanted)) : values.all || fast,
  );
const counts = { passed: 0, failed: 0, skipped: 0 };
const needed = Object.assign({}, ...chosen.map(({ packages }) => packages));
const pages = findChromium() !== undefined || Boolean(process.env.CI);
if (!pages) process.stderr.write(`pages are skipped: ${noChromium()}\n`);
for (const name of missingEngines()) {
  process.stdout.write(`- ${name}: npm has none for this platform\n`);
  counts.skipped++;
}

try {
  const start = performance.now();
  const names = packAll().map(({ manifest }) => manifest.name);
  installPacked(project, names, needed);
  writePrograms(project);
  process.stdout.write(`${names.length} packages packed and installed in ${seconds(start)} s\n`);
  for (const { name, run, inPage } of chosen) {
    if (inPage && !pages) {
      counts.skipped++;
      continue;
    }
    const begin = performance.now();
    try {
      const seen = await run();
      counts.passed++;
      process.stdout.write(`✓ ${name} in ${seconds(begin)} s${seen ? `: ${seen}` : ''}\n`);
    } catch (error) {
      counts.failed++;
      process.stdout.write(
        `✘ ${name} in ${seconds(begin)} s\n${error instanceof Error ? error.message : String(error)}\n`,
      );
    }
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** @param {number} since */
function seconds(since) {
  return Math.round((performance.now() - since) / 1000);
}

process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
if (counts.failed > 0 || counts.passed === 0) process.exit(1);
