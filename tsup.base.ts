// How every package is built. The entries are those of its package.json, so nothing is named twice.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsup';
import { entries, target } from './tools/workspace.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));

/** The tsup configuration of the package in the current directory: ESM and, for libraries, CommonJS and declarations. */
export function build() {
  const { library, points, workers } = entries(process.cwd());
  return defineConfig({
    entry: { ...points, ...workers },
    format: library ? ['esm', 'cjs'] : ['esm'],
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
