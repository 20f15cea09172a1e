// What the package.json files must say, beyond what dependency-cruiser reads from imports. Prints each fault; exits 1 on any.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, workspaces } from '../workspace.mjs';

// Those that may bring packages of others. All the rest are used where every kilobyte and every licence counts: nothing but each
// other at run time, and what somebody installs beside them.
/** @type {string[]} */
const bringing = JSON.parse(readFileSync(join(root, 'tools/checks/bringing.json'), 'utf8'));
const anatomy = ['README.md', 'tsconfig.json', 'tsup.config.ts', 'vitest.config.ts', 'src/index.ts'];

/** @type {string[]} */
const faults = [];
for (const { directory, manifest } of workspaces(['packages', 'apps'])) {
  const [group = '', folder = ''] = directory.split('/');
  /** @param {boolean} right @param {string} fault */
  const expect = (right, fault) => right || faults.push(`${directory}: ${fault}`);

  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  /** @param {string} name */
  const optional = (name) => manifest.peerDependenciesMeta?.[name]?.optional === true;
  if (group === 'packages') {
    expect(manifest.name === `@sympow/${folder}`, `is named ${manifest.name}, not @sympow/${folder}`);
    for (const file of anatomy) expect(existsSync(join(root, directory, file)), `has no ${file}`);
    if (!bringing.includes(folder)) {
      for (const name of declared)
        expect(name.startsWith('@sympow/') || optional(name), `depends on ${name}, and bringing.json does not list it`);
    }
  }

  const imported = new Set(
    readdirSync(join(root, directory, 'src'), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile() && /\.tsx?$/.test(file.name) && !/\.(test|cases)\.ts$/.test(file.name))
      .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
      .flatMap((text) => [...text.matchAll(/(?:from|import\()\s*'(@sympow\/[^/']+)/g)].map((match) => match[1] ?? '')),
  );
  for (const name of imported) {
    expect(declared.includes(name) || name === manifest.name, `imports ${name}, which its package.json does not list`);
  }
  for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
    if (name.startsWith('@sympow/')) expect(range === 'workspace:^', `lists ${name} as ${range}, not workspace:^`);
  }
}

// An example is copied: it lists what it imports, and nothing else.
for (const { directory, manifest } of workspaces(['examples'])) {
  const code = readdirSync(join(root, directory))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, directory, name), 'utf8'))
    .join('\n');
  const imports = [...new Set([...code.matchAll(/from '(@sympow\/[^']+)'/g)].map(([, name]) => name))].sort();
  const listed = Object.keys(manifest.dependencies ?? {});
  if (imports.join() !== listed.join()) {
    faults.push(`${directory}: lists ${listed.join(', ')}, and imports ${imports.join(', ')}`);
  }
}

for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exit(1);
