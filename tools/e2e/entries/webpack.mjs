// webpack in production mode, without a setting.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { html, pagesOf } from '../pages.mjs';

export const packages = { webpack: '5.113.0' };

/** @typedef {{ hasErrors(): boolean, hasWarnings(): boolean, toString(kind: string): string }} Stats */

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = (project) =>
  pagesOf('webpack', false, async () => {
    /** @type {(options: object, done: (error: Error | null, stats?: Stats) => void) => void} */
    const webpack = createRequire(join(project, 'package.json'))('webpack');
    const path = join(project, 'out-webpack');
    /** @type {Stats} */
    const stats = await new Promise((resolve, reject) =>
      webpack(
        {
          ...{ mode: 'production', context: project, entry: './page.mjs', performance: false },
          output: { path, filename: 'page.js' },
        },
        (error, result) => (result ? resolve(result) : reject(error ?? new Error('webpack says nothing'))),
      ),
    );
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString('errors-warnings'));
    writeFileSync(join(path, 'index.html'), html);
    return path;
  });
