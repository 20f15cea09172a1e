// The packages, apps and tools of the repository, as their package.json files describe them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {{ import?: { types: string, default: string }, require?: { types: string, default: string } }} Conditions
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {Record<string, string | Conditions>} [exports]
 * @property {Record<string, string>} [bin]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 * @typedef {{ directory: string, manifest: Manifest }} Workspace
 */

/** Every workspace under `groups`; `directory` is relative to the root. @returns {Workspace[]} */
export function workspaces(groups = ['packages', 'apps', 'tools']) {
  return groups
    .filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .filter((directory) => existsSync(join(root, directory, 'package.json')))
    .map((directory) => ({ directory, manifest: read(join(root, directory)) }));
}

/** @param {string} directory @returns {Manifest} */
export function read(directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

/**
 * What is built: `./dist/x.js` in the `exports` of a library comes from `src/x.ts`; anything else is a program,
 * `src/main.ts`, which a library with a `bin` has beside it.
 * @param {string} directory absolute
 * @param {Manifest} manifest
 * `workers` are files that a library starts threads or processes from: built beside the others, imported by nobody. `modules` are all files that
 * these load, and they themselves: as ES modules they stay files, so that a bundler leaves out those that it does not need.
 * @returns {{ library: boolean, points: Record<string, string>, workers: Record<string, string>, modules: Record<string, string> }}
 */
export function entries(directory, { exports, bin } = read(directory)) {
  if (!exports) {
    const points = existsSync(join(directory, 'src/main.ts')) ? { main: 'src/main.ts' } : undefined;
    return { library: false, points: points ?? {}, workers: {}, modules: points ?? {} };
  }
  /** @type {Record<string, string>} */
  const points = {};
  for (const conditions of Object.values(exports)) {
    const file = typeof conditions === 'string' ? undefined : conditions.import?.default;
    const name = /^\.\/dist\/(.+)\.js$/.exec(file ?? '')?.[1];
    if (name) points[name] = `src/${name}.ts`;
  }
  const programs = ['worker', 'trial'].filter((name) => existsSync(join(directory, `src/${name}.js`)));
  const workers = Object.fromEntries(programs.map((name) => [name, `src/${name}.js`]));
  const starts = [...Object.values(points), ...Object.values(workers), ...(bin ? ['src/main.ts'] : [])];
  return { library: true, points, workers, modules: modulesOf(directory, starts) };
}

/** What a file loads of its own package when it runs: types are left out. */
const loads = /(?:^|\n)(?:import|export)(?! type\b)[^;]*?\bfrom '(\.[^']*)'|\bimport\('(\.[^']*)'\)/g;

/** @param {string} directory absolute @param {readonly string[]} points */
function modulesOf(directory, points) {
  /** @type {Record<string, string>} */
  const modules = {};
  const waiting = points.map((point) => join(directory, point));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const source = relative(directory, file);
    const name = source.replace(/^src\/|\.[tj]s$/g, '');
    if (Object.hasOwn(modules, name) || !existsSync(file)) continue;
    modules[name] = source;
    for (const [, fixed, lazy] of readFileSync(file, 'utf8').matchAll(loads)) {
      const path = join(dirname(file), fixed ?? lazy ?? '');
      // What a worker loads is plain JavaScript, as it is itself.
      const own = path.endsWith('.js') ? path : `${path}.ts`;
      waiting.push(existsSync(own) ? own : join(path, 'index.ts'));
    }
  }
  return modules;
}

/**
 * For esbuild: as ES modules the files of a library stay files. What one imports of another it goes on importing, by the name of what
 * is made of it.
 * @type {import('esbuild').Plugin}
 */
export const filesStayFiles = {
  name: 'files stay files',
  setup({ initialOptions, onResolve }) {
    if (initialOptions.format !== 'esm') return;
    onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      if (kind === 'entry-point') return undefined;
      if (path.endsWith('.js')) return { path, external: true };
      const folder = existsSync(join(resolveDir, `${path}.ts`)) ? '' : '/index';
      return { path: `${path}${folder}.js`, external: true };
    });
  },
};

/** What esbuild and tsup both compile to. */
export const target = 'es2022';
