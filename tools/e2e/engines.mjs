// What the packages are tried with, each a package of npm: JavaScript engines and TypeScript compilers. They are large, so this folder
// is no part of the workspace: a fresh clone installs nothing of it until `install` is called.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../workspace.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const { optionalDependencies, dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/**
 * @typedef {{ name: string, program: string }} Engine
 * @returns {Engine[]} the engines that are installed: the key of each in package.json, and its program
 */
export function engines() {
  return Object.keys(optionalDependencies)
    .map((name) => ({ name, program: programOf(name) }))
    .filter(({ program }) => existsSync(program));
}

/** Names of those that this platform has not. */
export function missingEngines() {
  const present = engines().map(({ name }) => name);
  return Object.keys(optionalDependencies).filter((name) => !present.includes(name));
}

/** The compilers, with the script that Node runs. @returns {Engine[]} */
export function compilers() {
  return Object.keys(dependencies).map((name) => ({ name, program: join(folder, 'node_modules', name, 'bin/tsc') }));
}

/** @param {string} name */
function programOf(name) {
  const kind = name.replace(/\d+$/, '');
  return join(folder, 'node_modules', name, kind === 'deno' ? kind : `bin/${kind}`);
}

/** Installs what the lockfile names, where this platform has it. */
export function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const options = ['--dir', folder, '--ignore-workspace', '--frozen-lockfile', '--prefer-offline'];
  const { status } = spawnSync('npx', ['-y', packageManager, 'install', ...options], {
    env: { ...process.env, CI: 'true' },
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('the engines could not be installed');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install();
  for (const { name, program } of engines()) process.stdout.write(`${name}=${program}\n`);
}
