// Vite, as it is without a setting but the format of workers.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../project.mjs';
import { html, pagesOf } from '../pages.mjs';

export const packages = { vite: '8.3.8' };

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = (project) =>
  pagesOf('vite', true, async () => {
    const folder = join(project, 'vite');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'index.html'), html.replace('./page.js', '../page.mjs'));
    writeFileSync(join(folder, 'vite.config.mjs'), "export default { worker: { format: 'es' } };\n");
    runProgram(folder, process.execPath, [join(project, 'node_modules/vite/bin/vite.js'), 'build']);
    return join(folder, 'dist');
  });
