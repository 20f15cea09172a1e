// Deno: the packages by ESM and by CommonJS.
import { engines } from '../engines.mjs';
import { runProgram } from '../project.mjs';

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = (project) =>
  engines()
    .filter(({ name }) => name === 'deno')
    .flatMap(({ name, program }) =>
      ['esm.mjs', 'cjs.cjs'].map((file) => ({
        name: `${name} ${file}`,
        run: () => runProgram(project, program, ['run', '--allow-all', file, `${name}-${file}`], { quiet: true }),
      })),
    );
