// The browser of the browser tests: which one it is, and how it comes onto a machine that is ours to change.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** @param {string} path */
function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** @param {string[]} wanted @returns {string | undefined} the first of these programs on PATH */
function onPath(wanted) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return wanted.flatMap((name) => folders.map((folder) => join(folder, name))).find(runs);
}

/** $CHROMIUM, or the first Chromium or Chrome on PATH. @returns {string | undefined} */
export function findChromium() {
  const named = process.env.CHROMIUM;
  return named ? (runs(named) ? named : undefined) : onPath(names);
}

/** Why there is none, and what to do. */
export function noChromium() {
  const named = process.env.CHROMIUM;
  return named
    ? `CHROMIUM names ${named}, which is no program`
    : 'no Chromium on PATH: install one, or set CHROMIUM to its path';
}

/** Installs Chromium where it is missing and this process may: as root, with apt. */
export function installChromium() {
  if (findChromium() || process.env.CHROMIUM || process.getuid?.() !== 0 || !onPath(['apt-get'])) return;
  process.stderr.write('installing Chromium for the browser tests: apt-get install chromium\n');
  const apt = (/** @type {string[]} */ ...args) =>
    spawnSync('apt-get', ['-qq', '-y', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 2],
    }).status === 0;
  const install = () => apt('install', '--no-install-recommends', 'chromium');
  if (!install() && !(apt('update') && install())) process.stderr.write('apt-get could not install it\n');
}
