// Writes FEATURES.md: every kernel on every backend that this machine can open, from the results of the conformance cases.
// A backend that cannot run here is listed below the table with its reason. Exits 1 when a kernel does not pass.
// Without a GPU, `env $(node tools/softwareGpu.mjs) node tools/checks/features.mjs` finds WebGPU a software one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'vite';
import { root } from '../workspace.mjs';

/**
 * @typedef {import('../../packages/conformance/src/index').FeatureRow} Row
 * @typedef {import('../../packages/kernels/src/index').BackendFactory} Factory
 */

// As in vitest.base.ts: `@sympow/*` means the sources, never a build.
const alias = [{ find: /^@sympow\/([^/]+)$/, replacement: join(root, 'packages/$1/src/index.ts') }];
// Open to the end: a backend loads what it is made of when it is opened.
const server = await createServer({
  ...{ configFile: false, logLevel: 'error', appType: 'custom', resolve: { alias } },
  server: { middlewareMode: true, hmr: false, watch: null, ws: false },
});
/** @param {string} name @returns {Promise<any>} */
const load = (name) => server.ssrLoadModule(join(root, 'packages', name, 'src/index.ts'));
/** @type {{ features: (factory: Factory) => Promise<Row[]> }} */
const { features } = await load('conformance');
/** @type {{ backends: import('../../packages/backends/src/index').BackendEntry[] }} */
const { backends } = await load('backends');
/** The definition first: its kernels are the rows. */
const ordered = [...backends].sort((a, b) => Number(b.name === 'js') - Number(a.name === 'js'));

/** @type {{ name: string, rows: Row[] }[]} */
const columns = [];
/** @type {string[]} */
const absent = [];
for (const { name, make } of ordered) {
  try {
    columns.push({ name, rows: await features(make({ engineFlags: 'off' }, false)) });
  } catch (error) {
    absent.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @param {Row | undefined} row */
function cell(row) {
  if (!row) return '';
  const count = `${row.passed}/${row.cases}`;
  const marks = { passed: '✓', partial: '✓', failed: '✗', error: '✗' };
  const skipped = row.skipped > 0 ? `, ${row.skipped} skipped` : '';
  return `${marks[row.status]} ${count}${skipped}, ${row.worst.toExponential(0)}`;
}

const kernels = columns[0]?.rows.map(({ kernel }) => kernel) ?? [];
const lines = [
  '# Features',
  '',
  'Which kernel runs where: cases of the conformance suite passed, of all, and the largest relative error of any output',
  'against the definition. Written by `node tools/checks/features.mjs`; do not edit.',
  '',
  `| Kernel | ${columns.map(({ name }) => name).join(' | ')} |`,
  `| --- | ${columns.map(() => '---').join(' | ')} |`,
  ...kernels.map((kernel, i) => `| ${kernel} | ${columns.map(({ rows }) => cell(rows[i])).join(' | ')} |`),
  '',
  ...absent.map((reason) => `Not run here: ${reason}\n`),
];
await server.close();
writeFileSync(join(root, 'FEATURES.md'), `${lines.join('\n').trimEnd()}\n`);

const complaints = columns.flatMap(({ name, rows }) =>
  rows.flatMap((row) => row.complaints.map((complaint) => `${name}, ${row.kernel}, ${complaint}`)),
);
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.stdout.write(`FEATURES.md: ${kernels.length} kernels on ${columns.map(({ name }) => name).join(', ')}\n`);
if (complaints.length > 0) process.exit(1);
