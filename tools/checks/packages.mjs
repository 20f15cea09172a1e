// Packs every published package as it would go to npm, checks the tarballs (publint, arethetypeswrong), then installs
// them all into a scratch project that imports each by ESM and by CommonJS, type-checks against it, runs the programs of
// examples/ and the demo with it, and trains with it on every engine of tools/engines.
// Needs `pnpm build` first. Prints each fault; exits 1 on any.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { tryLibrary } from '../engines/library.mjs';
import { root, workspaces } from '../workspace.mjs';
import { isPage } from './examples.mjs';

let faults = 0;
const scratch = mkdtempSync(join(tmpdir(), 'sympow-packages-'));
// npm and pnpm hand their settings down in the environment; the scratch project is to see none of them.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name)));

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} parameters
 */
function run(what, command, parameters, cwd = scratch) {
  const { status, stdout, stderr } = spawnSync(command, parameters, { cwd, env, encoding: 'utf8' });
  if (status !== 0) fault(`${what}\n${stdout ?? ''}${stderr ?? ''}`);
  return stdout ?? '';
}

/** @param {string} text */
function fault(text) {
  faults++;
  process.stderr.write(`✘ ${text}\n`);
}

/** @param {string} name */
const bin = (name) => join(root, 'node_modules/.bin', name);

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const published = workspaces(['packages', 'apps']).filter(({ manifest }) => !manifest.private);
const unbuilt = published.filter(({ directory }) => !existsSync(join(root, directory, 'dist')));
if (unbuilt.length > 0) {
  process.stderr.write(`run \`pnpm build\` first: ${unbuilt.map(({ directory }) => directory).join(', ')} not built\n`);
  process.exit(1);
}

/** @type {Record<string, string>} */
const dependencies = {};
for (const { directory, manifest } of published) {
  const cwd = join(root, directory);
  const tarball = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`;
  run(`${manifest.name}: pack`, 'npx', ['-y', packageManager, 'pack', '--pack-destination', scratch], cwd);
  const packed = new Uint8Array(readFileSync(join(scratch, tarball)));

  const { messages, pkg } = await publint({ pack: { tarball: packed.buffer }, strict: true });
  for (const message of messages) fault(`${manifest.name}: publint: ${formatMessage(message, pkg) ?? message.code}`);
  if (manifest.exports) {
    run(`${manifest.name}: arethetypeswrong`, bin('attw'), [join(scratch, tarball), '--profile', 'node16']);
  }
  dependencies[manifest.name] = `file:${tarball}`;
}

/** Every specifier that the packages offer, with what a name for it could be. */
const specifiers = published.flatMap(({ manifest }) =>
  Object.entries(manifest.exports ?? {})
    .filter(([, conditions]) => typeof conditions !== 'string')
    .map(([path]) => manifest.name + path.slice(1)),
);
writeFileSync(join(scratch, 'package.json'), JSON.stringify({ name: 'scratch', private: true, dependencies }));
// gpu.js has an optional dependency, gl, that would be compiled here.
run('install of the tarballs', 'npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts']);

// Both module systems must see the same names.
writeFileSync(
  join(scratch, 'esm.mjs'),
  `for (const name of ${JSON.stringify(specifiers)}) console.log(name, Object.keys(await import(name)).sort().join());`,
);
writeFileSync(
  join(scratch, 'cjs.cjs'),
  `for (const name of ${JSON.stringify(specifiers)}) console.log(name, Object.keys(require(name)).sort().join());`,
);
const esm = run('import by ESM', process.execPath, ['esm.mjs']);
const cjs = run('import by CommonJS', process.execPath, ['cjs.cjs']);
if (esm !== cjs) fault(`ESM and CommonJS export different names\n${esm}\n${cjs}`);

// The declarations must hold without skipLibCheck, in a project that does not have the types of Node.
const text = specifiers.map((name, i) => `export * as p${i} from '${name}';\n`).join('');
for (const file of ['esm.mts', 'cjs.cts']) writeFileSync(join(scratch, file), text);
// So must the examples, which stand in folders as somebody would copy them. Those that name modules of Node have its types.
const examples = workspaces(['examples']).map(({ directory }) => {
  const names = readdirSync(join(root, directory)).filter((name) => name.endsWith('.ts') && name !== 'vite.config.ts');
  mkdirSync(join(scratch, directory), { recursive: true });
  writeFileSync(join(scratch, directory, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const name of names) copyFileSync(join(root, directory, name), join(scratch, directory, name));
  const code = readFileSync(join(root, directory, 'main.ts'), 'utf8');
  if (!isPage(directory)) {
    writeFileSync(join(scratch, directory, 'main.mjs'), transformSync(code, { loader: 'ts' }).code);
  }
  return { directory, onNode: code.includes(" from 'node:"), files: names.map((name) => join(directory, name)) };
});
const compilerOptions = {
  noEmit: true,
  strict: true,
  skipLibCheck: false,
  types: [],
  target: 'es2022',
  lib: ['es2022', 'dom'],
  module: 'nodenext',
};
const onNode = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')], allowImportingTsExtensions: true };
check('tsconfig.json', {}, ['esm.mts', 'cjs.cts']);
check('tsconfig.examples.json', { allowImportingTsExtensions: true }, filesWhere(false));
check('tsconfig.node.json', onNode, filesWhere(true));
for (const { directory } of examples) {
  if (!isPage(directory)) run(directory, process.execPath, [join(directory, 'main.mjs')]);
}

/** @param {string} config @param {object} options @param {readonly string[]} files */
function check(config, options, files) {
  const project = { compilerOptions: { ...compilerOptions, ...options }, files };
  writeFileSync(join(scratch, config), JSON.stringify(project));
  run(`types, ${config}`, bin('tsc'), ['-p', config]);
}

/** @param {boolean} node */
function filesWhere(node) {
  return examples.filter((example) => example.onNode === node).flatMap(({ files }) => files);
}

for (const failed of tryLibrary(scratch)) fault(failed);

// The first contact: what the demo advises at its end is typed as it stands.
const shown = run('npx sympow demo', 'npx', ['sympow', 'demo', '--steps', '2']);
const advice = /^Go on with: (.*)$/m.exec(shown)?.[1];
if (advice === undefined) fault(`npx sympow demo advises nothing\n${shown}`);
else run(`what the demo advises, ${advice}`, 'sh', ['-c', advice]);

rmSync(scratch, { recursive: true });
process.stdout.write(`${published.length} packages packed, installed and imported; ${faults} faults\n`);
if (faults > 0) process.exit(1);
