// The playground as a static site: sources of the packages, not their builds, and paths that hold in any sub-folder.
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { generate } from '../../tools/generate.mjs';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

/** What a page needs for SharedArrayBuffer, and so for more than one thread. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** Makes the service worker, and tells it which files it keeps: all but the vocabulary of GPT-2, which few checkpoints take. */
function offline(): Plugin {
  const fileName = 'serviceWorker.js';
  return {
    name: 'offline',
    apply: 'build',
    buildStart() {
      this.emitFile({ type: 'chunk', id: fileURLToPath(new URL('src/serviceWorker.ts', import.meta.url)), fileName });
    },
    generateBundle(_, bundle) {
      const worker = bundle[fileName];
      if (worker?.type !== 'chunk') throw new Error(`${fileName} was not made`);
      const names = Object.keys(bundle).sort();
      const files = names.filter((name) => !/r50k_base|^index\.html$|^serviceWorker\.js$/.test(name));
      // Names change with what is in the files.
      const hash = createHash('sha256').update(worker.code).update(names.join('\n')).digest('hex').slice(0, 12);
      const site = { version: `sympow-playground-${hash}`, files: ['./', ...files] };
      worker.code = worker.code.replaceAll('__SITE__', () => JSON.stringify(site));
    },
  };
}

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
    plugins: [offline()],
  };
});
