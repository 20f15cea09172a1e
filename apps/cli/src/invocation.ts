// How a person called this program, for advice that works when it is typed: an installed program is called otherwise than one in
// a clone of the project.

import { basename, dirname, relative } from 'node:path';

/** The words before the name of a command: `npx sympow`, `pnpm sympow`. */
export function ownWords(env = process.env, path = process.argv[1] ?? '', cwd = process.cwd()): string {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script = '', npm_config_user_agent: agent = '' } = env;
  // A script of the clone, `npm start` or `pnpm sympow`.
  if (script.includes('tools/run.mjs apps/cli'))
    return agent.startsWith('pnpm') ? 'pnpm sympow' : 'npm run -s sympow --';
  const called = basename(path).replace(/\.\w+$/, '') === 'sympow';
  if (called && event !== 'npx' && basename(dirname(path)) !== '.bin') return 'sympow';
  if (called || /[\\/]node_modules[\\/]/.test(path)) return 'npx sympow';
  return `node ${relative(cwd, path)}`;
}

/** A path or a text as one argument in a shell. */
export function quoted(word: string): string {
  if (/^[\w./@:=+-]+$/.test(word)) return word;
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}
