// Publishes what the versions in the manifests say: builds, checks the packages and the sizes, lists what would go out, publishes.
// `--dry-run` stops before the last step. Versions are made before, by `pnpm changeset version`; what is on npm already is left.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, workspaces } from './workspace.mjs';

const usage = 'usage: pnpm release [--dry-run]   (--provenance: signed by the workflow that runs it)\n';
const options = /** @type {const} */ ({ 'dry-run': { type: 'boolean' }, provenance: { type: 'boolean' } });
const { 'dry-run': rehearsal, provenance } = read();
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const published = workspaces(['packages', 'apps']).filter(({ manifest }) => !manifest.private);

function read() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

/** @param {string} why @returns {never} */
function stop(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

/** @param {string} what @param {string[]} parameters */
function step(what, ...parameters) {
  process.stderr.write(`── ${what}\n`);
  const { status } = spawnSync('npx', ['-y', packageManager, ...parameters], { cwd: root, stdio: ['ignore', 1, 2] });
  if (status !== 0) stop(`${what} failed`);
}

const waiting = readdirSync(join(root, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md');
const versions = [...new Set(published.map(({ manifest }) => manifest.version))];
if (!rehearsal) {
  if (waiting.length > 0)
    stop(`${waiting.length} changesets wait; run \`pnpm changeset version\` first and commit what it wrote`);
  if (versions.length > 1) stop(`the packages have the versions ${versions.join(', ')}; they must have one`);
  const { stdout } = spawnSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' });
  if (stdout !== '') stop(`these changes are not committed:\n${stdout}`);
}

step('build', 'build');
step('packages: publint, attw, install', 'check:packages');
step('packages at work', 'e2e');
step('names and sizes', 'exec', 'vitest', 'run', '--project', 'checks', 'exports', 'sizes', 'releases');

/** @typedef {{ filename: string, size: number, files: { path: string }[] }} Packed */
const scratch = mkdtempSync(join(tmpdir(), 'sympow-release-'));
const rows = published.map(({ directory, manifest: { name, version } }) => {
  const parameters = ['-y', packageManager, 'pack', '--json', '--pack-destination', scratch];
  const { status, stdout, stderr } = spawnSync('npx', parameters, { cwd: join(root, directory), encoding: 'utf8' });
  if (status !== 0) stop(`${name}: ${stdout}${stderr}`);
  const { size, files } = /** @type {Packed} */ (JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1)));
  const changed = existsSync(join(root, directory, 'CHANGELOG.md'));
  return {
    name,
    version,
    packed: `${Math.ceil(size / 1024)} KB`,
    files: files.length,
    changelog: changed ? 'yes' : 'at the first version',
  };
});
rmSync(scratch, { recursive: true });

const columns = /** @type {const} */ (['name', 'version', 'packed', 'files', 'changelog']);
for (const row of [Object.fromEntries(columns.map((name) => [name, name])), ...rows]) {
  const cells = columns.map((name) =>
    String(row[name]).padEnd(Math.max(...rows.map((each) => `${each[name]}`.length), name.length)),
  );
  process.stdout.write(`${cells.join('  ').trimEnd()}\n`);
}
if (rehearsal) {
  const then = waiting.length > 0 ? `; ${waiting.length} changesets wait for \`pnpm changeset version\`` : '';
  process.stdout.write(`${rows.length} packages would go out${then}; nothing was published\n`);
} else {
  step('publish', 'publish', '-r', '--access', 'public', '--no-git-checks', ...(provenance ? ['--provenance'] : []));
  step('tags', 'exec', 'changeset', 'tag');
}
