// The declarations, read by the oldest TypeScript that is supported to the newest, without skipLibCheck: in a project that knows of the
// web alone, and in one that has the types of Node beside it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilers } from '../engines.mjs';
import { published } from '../../pack.mjs';
import { runProgram } from '../project.mjs';

export const packages = { '@types/node': '20.19.9' };

const kinds = {
  web: { types: [], lib: ['es2022', 'dom'] },
  node: { types: ['node'] },
};

/** Every specifier that the packages offer, with what a name for it could be. */
const text = published
  .flatMap(({ manifest }) =>
    Object.entries(manifest.exports ?? {})
      .filter(([, conditions]) => typeof conditions !== 'string')
      .map(([path]) => manifest.name + path.slice(1)),
  )
  .map((name, i) => `export * as p${i} from '${name}';\n`)
  .join('');

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = (project) =>
  Object.entries(kinds).flatMap(([kind, options]) => {
    const folder = join(project, `types-${kind}`);
    mkdirSync(folder, { recursive: true });
    const files = ['esm.mts', 'cjs.cts'];
    for (const file of files) writeFileSync(join(folder, file), text);
    const strict = { noEmit: true, strict: true, skipLibCheck: false, target: 'es2022', module: 'nodenext' };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...strict, ...options }, files }));
    return compilers().map(({ name, program }) => ({
      name: `${name} ${kind}`,
      // `pnpm check:packages` has that of this repository.
      fast: kind === 'web' && name !== 'typescript5.9',
      run: () => runProgram(folder, process.execPath, [program, '-p', '.']),
    }));
  });
