// How every package is built. The entries are those of its package.json, so nothing is named twice.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsup';
import { entries, filesStayFiles, target } from './tools/workspace.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));

/**
 * The tsup configuration of the package in the current directory: ES modules, one for each source file, so that a bundler leaves
 * out those that it does not need; for libraries CommonJS in one file, and declarations.
 */
export function build() {
  const { library, points, workers, modules } = entries(process.cwd());
  return defineConfig({
    entry: modules,
    format: library ? ['esm', 'cjs'] : ['esm'],
    splitting: !library,
    esbuildPlugins: library ? [filesStayFiles] : [],
    esbuildOptions(options, { format }) {
      if (format === 'cjs') options.entryPoints = { ...points, ...workers };
    },
    // tsup sets baseUrl to the package, and `paths` would then be read from there.
    dts: library ? { entry: points, compilerOptions: { baseUrl: root } } : false,
    // `import.meta.url` in CommonJS too.
    shims: Object.keys(workers).length > 0,
    sourcemap: true,
    clean: true,
    removeNodeProtocol: false,
    target,
  });
}
