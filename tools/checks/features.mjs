// Writes FEATURES.md: every kernel on every backend that this machine can open, from the results of the conformance cases.
// A backend that cannot run here is listed below the table with its reason. Exits 1 when a kernel does not pass.
// Without a GPU, `env $(node tools/softwareGpu.mjs) node tools/checks/features.mjs` finds WebGPU a software one.
// All of it takes minutes; with names of kernels, as in `features.mjs silu siluBackward`, the other rows stay as they are.
import { readFileSync, writeFileSync } from 'node:fs';
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
/** @type {{ features: (factory: Factory, skips: [], kernels: string[]) => Promise<Row[]> }} */
const { features } = await load('conformance');
/** @type {{ backends: import('../../packages/backends/src/index').BackendEntry[] }} */
const { backends } = await load('backends');
/** @type {{ kernelNames: string[] }} */
const { kernelNames } = await load('kernels');
/** The definition first: its kernels are the rows. */
const ordered = [...backends].sort((a, b) => Number(b.name === 'js') - Number(a.name === 'js'));

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !kernelNames.includes(name));
if (unknown !== undefined) throw new Error(`there is no kernel ${unknown}`);

/** @type {{ name: string, rows: Map<string, string> }[]} */
const columns = [];
/** @type {string[]} */
const absent = [];
/** @type {string[]} */
const complaints = [];
for (const { name, make } of ordered) {
  try {
    const rows = await features(make({ engineFlags: 'off' }, false), [], asked.length > 0 ? asked : kernelNames);
    columns.push({ name, rows: new Map(rows.map((row) => [row.kernel, cell(row)])) });
    for (const row of rows) complaints.push(...row.complaints.map((each) => `${name}, ${row.kernel}, ${each}`));
  } catch (error) {
    absent.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @param {Row} row */
function cell({ status, passed, cases, skipped, worst }) {
  const marks = { passed: '✓', partial: '✓', failed: '✗', error: '✗' };
  const left = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${marks[status]} ${passed}/${cases}${left}, ${worst.toExponential(0)}`;
}

const file = join(root, 'FEATURES.md');
if (asked.length > 0) {
  // Columns by name, as another machine may have more of them, or fewer.
  const table = readFileSync(file, 'utf8').match(/^\|.*(?=\|$)/gm) ?? [];
  const [names = [], , ...rows] = table.map((line) => line.split('|').map((part) => part.trim()));
  for (const [at, name] of [...names.entries()].slice(2)) {
    const now = columns.find((column) => column.name === name);
    const before = rows.map((row) => /** @type {const} */ ([row[1] ?? '', row[at] ?? '']));
    if (now) now.rows = new Map([...before, ...now.rows]);
    else columns.push({ name, rows: new Map(before) });
  }
}
const lines = [
  '# Features',
  '',
  'Which kernel runs where: cases of the conformance suite passed, of all, and the largest relative error of any output',
  'against the definition. Written by `node tools/checks/features.mjs`; do not edit.',
  '',
  `| Kernel | ${columns.map(({ name }) => name).join(' | ')} |`,
  `| --- | ${columns.map(() => '---').join(' | ')} |`,
  ...kernelNames.map((kernel) => `| ${kernel} | ${columns.map(({ rows }) => rows.get(kernel) ?? '').join(' | ')} |`),
  '',
  ...absent.map((reason) => `Not run here: ${reason}\n`),
];
await server.close();
writeFileSync(file, `${lines.join('\n').trimEnd()}\n`);

for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.stdout.write(`FEATURES.md: ${kernelNames.length} kernels on ${columns.map(({ name }) => name).join(', ')}\n`);
if (complaints.length > 0) process.exit(1);
