// The quick build: the JavaScript of every package by one esbuild, in well under a second. `pnpm build` makes what is
// published (tsup, with declarations); both take their entries and their target from workspace.mjs.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from './generate.mjs';
import { entries, filesStayFiles, root, target, workspaces } from './workspace.mjs';

const stamp = join(root, 'node_modules/.sympow-bundle');

/** In CommonJS, for libraries that start workers from beside themselves. */
const ownUrl = {
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** The workspaces that have something to build, with absolute directories. */
function builds() {
  return workspaces()
    .map(({ directory, manifest }) => ({
      directory: join(root, directory),
      ...entries(join(root, directory), manifest),
    }))
    .filter(({ points }) => Object.keys(points).length > 0);
}

/**
 * What the bundle is made from, as one hash of names, sizes and times.
 * @param {ReturnType<typeof builds>} all
 */
function fingerprint(all) {
  const hash = createHash('sha256');
  /** @param {string} file */
  const add = (file) => {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  };
  for (const { directory } of all) {
    add(join(directory, 'package.json'));
    for (const file of readdirSync(join(directory, 'src'), { recursive: true, withFileTypes: true })) {
      if (file.isFile() && !file.name.endsWith('.test.ts')) add(join(file.parentPath, file.name));
    }
  }
  for (const file of ['bundle.mjs', 'generate.mjs', 'workspace.mjs']) add(join(root, 'tools', file));
  return hash.digest('hex');
}

/**
 * Leaves a file alone that is right already, and never shows a half-written one to a program that is running.
 * @param {{ path: string, contents: Uint8Array }} file
 */
function write({ path, contents }) {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents, { mode: contents[0] === 0x23 ? 0o755 : 0o644 }); // '#!'
  renameSync(temporary, path);
}

/** Brings every `dist` up to date; does nothing when they are. Ends the process where the sources have errors. */
export async function bundle() {
  await generate();
  const all = builds();
  const now = fingerprint(all);
  const built = all.every(({ directory, points }) =>
    Object.keys(points).every((name) => existsSync(join(directory, 'dist', `${name}.js`))),
  );
  if (built && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;

  const { build } = await import('esbuild');
  /** @type {('esm' | 'cjs')[]} */
  const formats = ['esm', 'cjs'];
  const results = await Promise.all(
    all.flatMap(({ directory, library, points, workers, modules }) =>
      formats.slice(0, library ? 2 : 1).map((format) =>
        build({
          absWorkingDir: directory,
          entryPoints: format === 'esm' ? modules : { ...points, ...workers },
          plugins: library ? [filesStayFiles] : [],
          ...(format === 'cjs' && Object.keys(workers).length > 0 ? ownUrl : {}),
          outdir: resolve(directory, 'dist'),
          outExtension: { '.js': format === 'cjs' ? '.cjs' : '.js' },
          format,
          target,
          bundle: true,
          splitting: !library,
          packages: 'external',
          // Not the repository's tsconfig: its `paths` would draw the other packages in.
          tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
          platform: 'node',
          sourcemap: true,
          write: false,
          logLevel: 'warning',
        }),
      ),
    ),
  ).catch((/** @type {Error & { errors?: unknown[] }} */ error) => {
    // esbuild has printed what is wrong with the sources; a stack of its own insides adds nothing.
    if (error.errors) process.exit(1);
    throw error;
  });
  for (const { outputFiles } of results) outputFiles.forEach(write);
  writeFileSync(stamp, now);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const start = performance.now();
  await bundle();
  process.stderr.write(`bundled in ${Math.round(performance.now() - start)} ms\n`);
}
