// The packages as they are installed, on each engine and in both module systems: contact.mjs in a process of its own.
import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engines, install } from './engines.mjs';

const names = ['backend-wasm', 'data', 'inference', 'kernels', 'model', 'training'];
const handOver = `import('./contact.mjs').then(async ({ contact }) =>
  console.log(await contact({ wasm, data, inference, kernels, model, training, other }, process.argv[2])));`;
const kernels = '@sympow/kernels';

/** How a program gets at the packages, and at the other copy of kernels. */
const programs = {
  'esm.mjs': [
    "import { createRequire } from 'node:module';",
    ...names.map((name) => `import * as ${variable(name)} from '@sympow/${name}';`),
    `const other = createRequire(import.meta.url)('${kernels}');`,
  ],
  'cjs.cjs': [
    ...names.map((name) => `const ${variable(name)} = require('@sympow/${name}');`),
    `const other = import('${kernels}');`,
  ],
};

/** @param {string} name */
function variable(name) {
  return name.replace('backend-', '');
}

/**
 * Runs everything in `folder`, where the packages are installed, and says what passed on standard output.
 *
 * @param {string} folder
 * @returns {string[]} what failed
 */
export function tryLibrary(folder) {
  install();
  copyFileSync(fileURLToPath(new URL('contact.mjs', import.meta.url)), join(folder, 'contact.mjs'));
  /** @type {string[]} */
  const faults = [];
  for (const [file, imports] of Object.entries(programs)) {
    writeFileSync(join(folder, file), [...imports, handOver].join('\n'));
    for (const { name, program } of engines()) {
      const permissions = name === 'deno' ? ['run', '--allow-all'] : [];
      const { status, signal, stdout, stderr } = spawnSync(program, [...permissions, file, `${name}-${file}`], {
        cwd: folder,
        encoding: 'utf8',
        timeout: 120_000,
      });
      // An engine that complains of what the packages call shows it to every user.
      const passed = status === 0 && stderr === '';
      process.stdout.write(`${passed ? '✓' : '✘'} ${name} ${file}: ${stdout.trim()}\n`);
      if (!passed) faults.push(`${name} ${file}: ${signal ?? `code ${status}`}\n${stderr}`);
    }
  }
  return faults;
}
