// What only a runtime with Node's modules has. They are asked for when they are needed and never imported, so that the
// package can be bundled for a browser.
import { DataError } from './errors';

/** Node's modules for files. @throws DataError in a runtime without them */
export function nodeFiles() {
  const builtin = typeof process === 'undefined' ? undefined : process.getBuiltinModule;
  if (!builtin) {
    throw new DataError({
      what: 'runtime',
      value: undefined,
      message: 'this runtime has no files',
      expected: 'Node 20.19 or newer, or one that offers process.getBuiltinModule',
      remedy: 'Read the text by other means and hand it to textSource, or give an address that begins with https://.',
    });
  }
  return { fs: builtin('node:fs/promises'), path: builtin('node:path') };
}

/** The code of an error of the operating system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
