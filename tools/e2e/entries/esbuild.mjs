// esbuild: one page with splitting. It leaves workers to who calls it, so worker.js is put where the module looks for it.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { html, pagesOf } from '../pages.mjs';

export const packages = { esbuild: '0.28.2' };

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = (project) =>
  pagesOf('esbuild', true, async () => {
    /** @type {typeof import('esbuild')} */
    const { build } = createRequire(join(project, 'package.json'))('esbuild');
    const outdir = join(project, 'out-esbuild');
    mkdirSync(outdir, { recursive: true });
    const { warnings } = await build({
      entryPoints: { page: join(project, 'page.mjs') },
      ...{ outdir, bundle: true, splitting: true, minify: true, format: 'esm', logLevel: 'silent' },
    });
    if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join('\n'));
    copyFileSync(join(project, 'node_modules/@sympow/backend-wasm/dist/worker.js'), join(outdir, 'worker.js'));
    writeFileSync(join(outdir, 'index.html'), html);
    return outdir;
  });
