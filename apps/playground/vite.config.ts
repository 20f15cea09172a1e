// The playground as a static site: sources of the packages, not their builds, and paths that hold in any sub-folder.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { generate } from '../../tools/generate.mjs';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

/** What a page needs for SharedArrayBuffer, and so for more than one thread. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig(async () => {
  await generate();
  return {
    root: fileURLToPath(new URL('.', import.meta.url)),
    base: './',
    resolve: { alias: [{ find: /^@sympow\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` }] },
    server: { headers },
    preview: { headers },
    worker: { format: 'es' as const },
    build: { target: 'es2022', emptyOutDir: true },
  };
});
