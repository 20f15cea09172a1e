// Makes `.gpu/`, all that a machine needs which has a driver and nothing else: `node tools/gpu/pack.mjs`, on Linux (x64). README.md
// says what to do with it.
//   --bundle        the program alone, for a machine that has Node and Dawn, or that has the rest already
//   --shaders REV:NAME,…  writes these shaders as they were at that commit too, to be measured beside our own
//   --out FOLDER    another folder
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { generate } from '../generate.mjs';
import { root, target } from '../workspace.mjs';

const { values } = parseArgs({
  options: {
    bundle: { type: 'boolean', default: false },
    shaders: { type: 'string' },
    out: { type: 'string', default: join(root, '.gpu') },
  },
});
const { out } = values;
const own = join(root, 'tools/gpu');

/** What Dawn's `dlopen` finds on a desktop and not on a server: the loader, and what drivers ask for beside it. */
const libraries = ['libvulkan1', 'libegl1', 'libglvnd0', 'libopengl0', 'libgl1', 'libglx0', 'libgles2'];

/** @param {string} command @param {readonly string[]} args @param {string} [cwd] */
const run = (command, args, cwd = root) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

await generate();
rmSync(join(out, 'shaders.json'), { force: true });
await build({
  ...{ entryPoints: [join(own, 'main.ts')], outfile: join(out, 'measure.mjs'), target },
  ...{
    bundle: true,
    platform: 'node',
    format: 'esm',
    minifyWhitespace: true,
    external: ['koffi'],
    logLevel: 'warning',
  },
});
copyFileSync(join(own, 'measure.sh'), join(out, 'measure.sh'));
if (values.shaders !== undefined) writeFileSync(join(out, 'shaders.json'), JSON.stringify(shadersAt(values.shaders)));
if (!values.bundle) packMachine();
for (const file of readdirSync(out)) {
  const { size } = statSync(join(out, file));
  if (!file.startsWith('out')) process.stdout.write(`${file.padEnd(16)} ${(size / 2 ** 20).toFixed(1)} MiB\n`);
}

/** Shaders of another commit, as the build writes them: without comments. @param {string} asked */
function shadersAt(asked) {
  const [revision = '', names = ''] = asked.split(':');
  /** @param {string} name */
  const of = (name) =>
    run('git', ['show', `${revision}:packages/backend-webgpu/wgsl/${name}.wgsl`])
      .split('\n')
      .map((line) => line.replace(/\s*\/\/.*$/, ''))
      .filter((line) => line.trim() !== '')
      .join('\n');
  return Object.fromEntries(names.split(',').map((name) => [name, of(name)]));
}

/** One archive: the Node that runs this, the Dawn that the tests use, and libraries of Debian or Ubuntu, by apt. */
function packMachine() {
  const room = mkdtempSync(join(tmpdir(), 'sympow-gpu-'));
  try {
    const node = join(room, 'node');
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    run('strip', [node]);
    const dawn = join(root, 'packages/backend-webgpu/node_modules/webgpu/');
    for (const part of ['package.json', 'index.js', 'dist/linux-x64'])
      cpSync(join(dawn, part), join(room, 'node_modules/webgpu', part), { recursive: true, dereference: true });
    const debs = join(room, 'debs');
    const lib = join(room, 'lib');
    for (const folder of [debs, lib]) mkdirSync(folder);
    run('apt-get', ['download', ...libraries], debs);
    for (const deb of readdirSync(debs)) run('dpkg', ['-x', deb, 'files'], debs);
    for (const { parentPath, name } of readdirSync(join(debs, 'files'), { recursive: true, withFileTypes: true }))
      if (/\.so(\.|$)/.test(name)) copyFileSync(join(parentPath, name), join(lib, name));
    run('tar', ['cJf', join(out, 'machine.tar.xz'), 'node', 'node_modules', 'lib'], room);
  } finally {
    rmSync(room, { recursive: true });
  }
}
