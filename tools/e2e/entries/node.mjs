// Node, from the oldest that is supported to the newest: the packages by ESM and by CommonJS, and the command line.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engines } from '../engines.mjs';
import { runProgram } from '../project.mjs';

const model = ['--layers', '1', '--hidden', '16', '--heads', '2', '--head-size', '8'];
const commands = [
  ['doctor'],
  ['train', 'text.txt', '--out', 'run', ...model, '--context', '16', '--batch', '2', '--steps', '4'],
  ['eval', 'run', 'text.txt', '--length', '128', '--streams', '3'],
  ['generate', 'run', '--prompt', 'It was', '--max-tokens', '20'],
];

/** @type {import('../project.mjs').Entry['tries']} */
export function tries(project) {
  const all = engines().filter(({ name }) => name.startsWith('node'));
  return all.flatMap(({ name, program }, i) => {
    const fast = i === 0 || i === all.length - 1;
    const libraries = ['esm.mjs', 'cjs.cjs'].map((file) => ({
      name: `${name} ${file}`,
      fast,
      run: () => runProgram(project, program, [file, `${name}-${file}`], { quiet: true }),
    }));
    return [...libraries, { name: `${name} sympow`, fast, run: () => commandLine(project, name, program) }];
  });
}

/** From the first question to a text. @param {string} project @param {string} name @param {string} program */
function commandLine(project, name, program) {
  const main = join(project, 'node_modules/sympow/dist/main.js');
  const cwd = mkdtempSync(join(project, `${name}-`));
  writeFileSync(join(cwd, 'text.txt'), 'It was the best of times, it was the worst of times. '.repeat(80));
  for (const parameters of commands) {
    // A first contact: nothing is remembered of this engine.
    const env = { XDG_CACHE_HOME: join(cwd, 'cache') };
    const printed = runProgram(cwd, program, [main, ...parameters, '--json'], { env });
    if (Object.keys(JSON.parse(printed)).length === 0) throw new Error(`${parameters[0]} says nothing`);
  }
  return commands.map(([command]) => command).join(', ');
}
