// The project that everything is tried in: all packages as npm installs their tarballs, and the programs that use them.
import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreignEnv } from '../pack.mjs';

/**
 * @typedef {object} Try one thing that is tried
 * @property {string} name
 * @property {boolean} [fast] whether it is tried without `--all`
 * @property {boolean} [inPage] whether it needs a browser
 * @property {() => string | Promise<string>} run says what was seen; throws what is wrong
 *
 * @typedef {object} Entry a file of entries/
 * @property {Record<string, string>} [packages] what it needs beside ours, with versions
 * @property {(project: string) => Try[]} tries
 */

const names = ['backend-wasm', 'data', 'inference', 'kernels', 'model', 'training'];
const kernels = '@sympow/kernels';
const packages = ['wasm', 'data', 'inference', 'kernels', 'model', 'training', 'sympow', 'other'].join(', ');

/** @param {string} name */
const variable = (name) => name.replace('backend-', '');
const imports = [
  ...names.map((name) => `import * as ${variable(name)} from '@sympow/${name}';`),
  "import * as sympow from 'sympow';",
];
const inFolder = `import('./contact.mjs').then(async ({ contact }) =>
  console.log(await contact({ ${packages} }, (number) => model.folderStorage(process.argv[2] + '/' + number))));`;

/** How a program gets at the packages, and at the other copy of kernels. */
const programs = {
  'esm.mjs': [
    "import { createRequire } from 'node:module';",
    ...imports,
    `const other = createRequire(import.meta.url)('${kernels}');`,
    inFolder,
  ],
  'cjs.cjs': [
    ...names.map((name) => `const ${variable(name)} = require('@sympow/${name}');`),
    "const sympow = require('sympow');",
    `const other = import('${kernels}');`,
    inFolder,
  ],
  // For pages, that tell in their title how it went.
  'page.mjs': [
    ...imports,
    "import { contact } from './contact.mjs';",
    `const other = import('${kernels}');`,
    `contact({ ${packages} }, () => model.memoryStorage(), globalThis.crossOriginIsolated ? 2 : 1).then(`,
    "  (seen) => (document.title = 'passed: ' + seen),",
    "  (error) => (document.title = 'failed: ' + (error.stack ?? error)),",
    ');',
  ],
};

/** @param {string} project */
export function writePrograms(project) {
  copyFileSync(fileURLToPath(new URL('contact.mjs', import.meta.url)), join(project, 'contact.mjs'));
  for (const [file, lines] of Object.entries(programs)) writeFileSync(join(project, file), lines.join('\n'));
}

/**
 * Runs a program and gives what it printed.
 *
 * @param {string} cwd
 * @param {string} command
 * @param {string[]} parameters
 * @param {{ quiet?: boolean, env?: NodeJS.ProcessEnv }} options `quiet`: what it complains of is a fault too, as every user would see it
 */
export function runProgram(cwd, command, parameters, { quiet = false, env = {} } = {}) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, parameters, {
    cwd,
    env: { ...foreignEnv, ...env },
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (status === 0 && !(quiet && stderr !== '')) return stdout.trim();
  throw new Error(`${error?.message ?? signal ?? `code ${status}`}\n${stdout ?? ''}${stderr ?? ''}`);
}
