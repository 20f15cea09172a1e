// Rollup with the plugin that finds packages. It leaves workers to who calls it, so worker.js is put where the module looks for it.
import { copyFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { html, pagesOf } from '../pages.mjs';

export const packages = { rollup: '4.68.8', '@rollup/plugin-node-resolve': '16.0.3' };

/**
 * @typedef {{ write(options: object): Promise<unknown>, close(): Promise<void> }} Build
 * @typedef {{ message: string }} Warning
 */

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = (project) =>
  pagesOf('rollup', false, async () => {
    const from = createRequire(join(project, 'package.json'));
    /** @type {{ rollup(options: object): Promise<Build> }} */
    const { rollup } = from('rollup');
    /** @type {{ nodeResolve(options: object): object }} */
    const { nodeResolve } = from('@rollup/plugin-node-resolve');
    const dir = join(project, 'out-rollup');
    /** @type {string[]} */
    const warnings = [];
    const build = await rollup({
      input: { page: join(project, 'page.mjs') },
      plugins: [nodeResolve({ browser: true })],
      onwarn: (/** @type {Warning} */ { message }) => warnings.push(message),
    });
    await build.write({ dir, format: 'es' });
    await build.close();
    if (warnings.length > 0) throw new Error(warnings.join('\n'));
    copyFileSync(join(project, 'node_modules/@sympow/backend-wasm/dist/worker.js'), join(dir, 'worker.js'));
    writeFileSync(join(dir, 'index.html'), html);
    return dir;
  });
