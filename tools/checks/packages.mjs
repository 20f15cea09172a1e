// Packs every published package as it would go to npm, checks the tarballs (publint, arethetypeswrong), then installs
// them all into a scratch project that imports each by ESM and by CommonJS, type-checks against it, runs the programs of
// examples/ and the demo with it. What they do on engines, under compilers and in pages is tried by tools/e2e.
// Needs `pnpm build` first. Prints each fault; exits 1 on any.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { foreignEnv, installPacked, packAll } from '../pack.mjs';
import { root, workspaces } from '../workspace.mjs';
import { isPage } from './examples.mjs';

let faults = 0;
const scratch = mkdtempSync(join(tmpdir(), 'sympow-packages-'));
/** What `npx sympow` may bring. */
const mostBytes = 25e6;

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} parameters
 */
function run(what, command, parameters, cwd = scratch) {
  const { status, stdout, stderr } = spawnSync(command, parameters, { cwd, env: foreignEnv, encoding: 'utf8' });
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

const packed = packAll();
for (const { manifest, tarball } of packed) {
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  for (const message of messages) fault(`${manifest.name}: publint: ${formatMessage(message, pkg) ?? message.code}`);
  if (manifest.exports) run(`${manifest.name}: arethetypeswrong`, bin('attw'), [tarball, '--profile', 'node16']);
}

/** Every specifier that the packages offer, with what a name for it could be. */
const specifiers = packed.flatMap(({ manifest }) =>
  Object.entries(manifest.exports ?? {})
    .filter(([, conditions]) => typeof conditions !== 'string')
    .map(([path]) => manifest.name + path.slice(1)),
);
installPacked(
  scratch,
  packed.map(({ manifest }) => manifest.name),
);

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

// The first contact: what `npx sympow` brings is small, and what the demo advises at its end is typed as it stands.
const first = join(scratch, 'first');
installPacked(first, ['sympow']);
const bytes = readdirSync(join(first, 'node_modules'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
process.stdout.write(`npx sympow installs ${(bytes / 1e6).toFixed(1)} MB\n`);
if (bytes > mostBytes) fault(`npx sympow installs ${bytes} bytes, more than ${mostBytes}`);
const shown = run('npx sympow demo', 'npx', ['sympow', 'demo', '--steps', '2'], first);
const advice = /^Go on with: (.*)$/m.exec(shown)?.[1];
if (advice === undefined) fault(`npx sympow demo advises nothing\n${shown}`);
else run(`what the demo advises, ${advice}`, 'sh', ['-c', advice], first);
// No charts there: who asks for one is told what to install.
const drawing = ['sympow', 'eval', 'runs/demo/conformal', join(root, 'README.md'), '--svg', 'loss.svg'];
const { status, stderr } = spawnSync('npx', drawing, { cwd: first, env: foreignEnv, encoding: 'utf8' });
if (status !== 1 || !stderr.includes('Install it with npm install vega vega-lite.')) {
  fault(`npx sympow eval --svg without Vega: code ${status}\n${stderr}`);
}

rmSync(scratch, { recursive: true });
process.stdout.write(`${packed.length} packages packed, installed and imported; ${faults} faults\n`);
if (faults > 0) process.exit(1);
