// The examples of the packages: the ```ts blocks of their READMEs, and those of their doc comments that import what they
// use; taken out, bundled against the sources, and run in an empty folder by one process. Those for Vitest are left out.
// Beside them the programs in examples/, each its folder's main.ts; those that are pages run in examplePages.test.ts.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { softwareGpu } from '../softwareGpu.mjs';
import { root, target, workspaces } from '../workspace.mjs';

/**
 * @typedef {{ name: string, code: string }} Example `name` is its file and line
 * @typedef {{ line: string, text: string }} Printed one call of console.log: the source line, and what it wrote
 * @typedef {{ printed: Printed[], error?: string }} Outcome
 */

/**
 * Puts the packages of others that any workspace asks for beside the bundles, where they are found by name as they are by who has
 * installed them.
 * @param {string} folder
 * @returns {string[]} their names
 */
function linkOthers(folder) {
  /** @type {Map<string, string>} */
  const places = new Map();
  for (const { directory, manifest } of workspaces()) {
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      const place = join(root, directory, 'node_modules', name);
      if (!name.startsWith('@sympow') && !places.has(name) && existsSync(place)) places.set(name, realpathSync(place));
    }
  }
  for (const [name, place] of places) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(place, link, 'junction');
  }
  return [...places.keys()];
}

/** Whether an example is a page for a browser. @param {string} directory */
export const isPage = (directory) => existsSync(join(root, directory, 'index.html'));

/**
 * The examples of one package, of a folder in examples/, of the pages in docs, or of the project itself, which has a README only.
 * @param {string} directory relative to the root
 * @returns {Example[]}
 */
export function examplesOf(directory) {
  const folder = join(root, directory, 'src');
  const sources = (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [])
    .filter((file) => file.endsWith('.ts') && !/\.(test|cases|gen)\.ts$/.test(file))
    .map((file) => `src/${file}`);
  const program = join(root, directory, 'main.ts');
  if (isPage(directory)) return [];
  if (existsSync(program)) return [{ name: `${directory}/main.ts`, code: readFileSync(program, 'utf8') }];
  const guide =
    directory === 'docs' ? readdirSync(join(root, directory)).filter((file) => file.endsWith('.md')) : ['README.md'];
  return [...guide, ...sources.sort()]
    .filter((file) => existsSync(join(root, directory, file)))
    .flatMap((file) => {
      const text = readFileSync(join(root, directory, file), 'utf8');
      return [...text.matchAll(/^( *\* ?|)```ts\n(.*?)^\1```$/gms)]
        .map(({ 1: margin = '', 2: body = '', index }) => ({
          name: `${directory}/${file}:${text.slice(0, index).split('\n').length}`,
          code: margin === '' ? body : body.replaceAll(/^ *\* ?/gm, ''),
        }))
        .filter(({ code }) => (file.endsWith('.md') || /^import /m.test(code)) && !code.includes(" from 'vitest'"));
    });
}

/**
 * @param {readonly Example[]} examples
 * @param {{ each?: number, all?: number }} [limits] seconds
 * @returns {Promise<Outcome[]>} in their order
 */
export async function runExamples(examples, { each = 60, all = 300 } = {}) {
  const bundles = mkdtempSync(join(tmpdir(), 'sympow-bundles-'));
  const folder = mkdtempSync(join(tmpdir(), 'sympow-examples-'));
  try {
    const entryPoints = examples.map(({ code }, i) => {
      const lines = code.split('\n').map((line) => line.replaceAll('console.log(', `print(${JSON.stringify(line)}, `));
      const file = join(bundles, `${i}.ts`);
      writeFileSync(file, `${lines.join('\n')}\nexport {};\n`);
      return file;
    });
    await build({
      entryPoints,
      outdir: bundles,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target,
      external: linkOthers(bundles),
      loader: { '.wgsl': 'text' },
      logLevel: 'silent',
      plugins: [
        {
          name: 'sources',
          setup({ onResolve, onLoad }) {
            onResolve({ filter: /^@sympow\/[^/]+$/ }, ({ path }) => ({
              path: join(root, 'packages', path.slice('@sympow/'.length), 'src/index.ts'),
            }));
            // What lies beside a source, such as a worker, is not moved by bundling.
            onLoad({ filter: /packages\/[^/]+\/src\/.*\.ts$/ }, ({ path }) => ({
              contents: readFileSync(path, 'utf8').replaceAll(
                'import.meta.url',
                JSON.stringify(pathToFileURL(path).href),
              ),
              loader: 'ts',
            }));
          },
        },
      ],
    });
    const results = join(folder, 'results.json');
    const runner = fileURLToPath(new URL('runExamples.mjs', import.meta.url));
    const files = examples.map((_, i) => join(bundles, `${i}.mjs`));
    execFileSync(process.execPath, [runner, results, `${each}`, ...files], {
      cwd: folder,
      env: { ...process.env, ...softwareGpu },
      timeout: all * 1000,
      stdio: 'pipe',
    });
    return JSON.parse(readFileSync(results, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(bundles, { recursive: true });
  }
}
