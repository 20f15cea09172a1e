// The published packages as they would go to npm: packed once for as long as what was built stays the same, and installed by npm from
// the tarballs into projects that know nothing of this repository.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, workspaces } from './workspace.mjs';

const folder = join(root, 'node_modules/.sympow-packed');
const stamp = join(folder, 'stamp');

/** @typedef {import('./workspace.mjs').Workspace & { tarball: string }} Packed */

/** npm and pnpm hand their settings down in the environment; projects of others see none of them. */
export const foreignEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name)),
);

/** The packages that are published. */
export const published = workspaces(['packages', 'apps']).filter(({ manifest }) => !manifest.private);

/** What goes into the tarballs, as one hash of names, sizes and times. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const { directory } of published) {
    const top = readdirSync(join(root, directory), { withFileTypes: true }).filter((entry) => entry.isFile());
    const built = readdirSync(join(root, directory, 'dist'), { recursive: true, withFileTypes: true });
    for (const entry of [...top, ...built].filter((entry) => entry.isFile())) {
      const { size, mtimeMs } = statSync(join(entry.parentPath, entry.name));
      hash.update(`${entry.parentPath}/${entry.name} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

/**
 * Packs what `pnpm build` has built. Ends the process where something is not built, or not with its declarations.
 *
 * @returns {Packed[]} each with the path of its tarball
 */
export function packAll() {
  const unbuilt = published.filter(({ directory }) => !existsSync(join(root, directory, 'dist/index.d.ts')));
  if (unbuilt.length > 0)
    stop(`run \`pnpm build\` first: ${unbuilt.map(({ directory }) => directory).join(', ')} not built`);
  const now = fingerprint();
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== now) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const chosen = published.flatMap(({ manifest }) => ['--filter', manifest.name]);
    const parameters = ['-y', packageManager, ...chosen, 'pack', '--pack-destination', folder];
    const { status, stdout, stderr } = spawnSync('npx', parameters, { cwd: root, encoding: 'utf8' });
    if (status !== 0) stop(`the packages cannot be packed\n${stdout}${stderr}`);
    writeFileSync(stamp, now);
  }
  return published.map((each) => {
    const { name, version } = each.manifest;
    return { ...each, tarball: join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`) };
  });
}

/**
 * Makes a project with some of the packages, and installs it with npm as a stranger does: optional peers are left out.
 *
 * @param {string} project its folder
 * @param {string[]} names packages of this repository
 * @param {Record<string, string>} others packages of others, with their versions
 */
export function installPacked(project, names, others = {}) {
  const tarballs = Object.fromEntries(packAll().map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]));
  const dependencies = { ...Object.fromEntries(names.map((name) => [name, tarballs[name]])), ...others };
  mkdirSync(project, { recursive: true });
  const manifest = { name: 'project', private: true, dependencies, overrides: tarballs };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest, undefined, 2));
  // gpu.js has an optional dependency, gl, that would be compiled here.
  const parameters = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  const { status, stdout, stderr } = spawnSync('npm', parameters, { cwd: project, env: foreignEnv, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm install in ${project}\n${stdout}${stderr}`);
}

/** @param {string} why @returns {never} */
function stop(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
