// The first minutes of somebody new, as docs/start.md tells them: an empty folder, npm, and the programs of that page to the letter.
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPacked } from '../../pack.mjs';
import { show } from '../pages.mjs';
import { runProgram } from '../project.mjs';
import { packages as esbuild } from './esbuild.mjs';

const guide = readFileSync(new URL('../../../docs/start.md', import.meta.url), 'utf8');

/** A block of code of the guide, by how it begins. @param {string} language @param {string} start */
function block(language, start) {
  for (const [, code = ''] of guide.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm')))
    if (code.startsWith(start)) return code;
  throw new Error(`docs/start.md has no ${language} that starts with ${start}`);
}

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = () => [
  {
    name: 'newcomer, in a folder',
    run: () =>
      inEmptyFolder({}, (folder) => {
        writeFileSync(join(folder, 'ten.mjs'), block('ts', "import { fit, load } from '@sympow/start'"));
        return runProgram(folder, process.execPath, ['ten.mjs'], { quiet: true }).split('\n')[0] ?? '';
      }),
  },
  {
    name: 'newcomer, in a page',
    inPage: true,
    run: () =>
      inEmptyFolder(esbuild, async (folder) => {
        writeFileSync(join(folder, 'page.js'), block('js', '// page.js'));
        const [, command = ''] = /npx (esbuild page\.js .*)/.exec(guide) ?? [];
        const [program = '', ...parameters] = command.split(' ');
        runProgram(folder, join(folder, 'node_modules/.bin', program), parameters);
        writeFileSync(join(folder, 'site/index.html'), block('html', '<!doctype html>'));
        const text = "document.querySelector('pre').textContent";
        return show(join(folder, 'site'), {}, `${text}.startsWith('It was') ? 'passed: ' + ${text} : ''`);
      }),
  },
];

/**
 * Installs the package to start with, does the rest, and says how long each took.
 *
 * @param {Record<string, string>} others
 * @param {(folder: string) => string | Promise<string>} rest
 */
async function inEmptyFolder(others, rest) {
  const folder = mkdtempSync(join(tmpdir(), 'sympow-newcomer-'));
  try {
    const begin = performance.now();
    installPacked(folder, ['@sympow/start'], others);
    const installed = performance.now();
    const seen = await rest(folder);
    const end = performance.now();
    const seconds = (/** @type {number} */ from, /** @type {number} */ to) => `${((to - from) / 1000).toFixed(1)} s`;
    const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
    const sizes = files.filter((each) => each.isFile()).map((each) => statSync(join(each.parentPath, each.name)).size);
    const megabytes = (sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1);
    return `npm install ${seconds(begin, installed)} (${megabytes} MB), to the text ${seconds(installed, end)}: ${JSON.stringify(seen)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
