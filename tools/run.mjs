// `node tools/run.mjs DIRECTORY ARGUMENTS…` runs the program of one workspace directory, bundled first when that is due.
// Nothing but the program itself writes to standard output, and it sees the directory that the user is in.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './bundle.mjs';
import { root } from './workspace.mjs';

const [directory = '', ...rest] = process.argv.slice(2);
const main = join(root, directory, 'dist/main.js');

if (!existsSync(join(root, directory, 'src/main.ts'))) {
  process.stderr.write(`run: ${directory} holds no src/main.ts\n`);
  process.exit(1);
}
await bundle();

// npm and pnpm run scripts in the root and hand over where they were called.
process.chdir(process.env.INIT_CWD ?? '.');
// `pnpm run x -- --flag` keeps the `--`, `npm run x -- --flag` does not.
process.argv = [process.execPath, main, ...(rest[0] === '--' ? rest.slice(1) : rest)];
await import(pathToFileURL(main).href);
