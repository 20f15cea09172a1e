// Node's modules for files, for what goes beyond a folder of bytes: links, pipes, whole trees of folders. They are asked for when
// they are needed and never imported, so that the package can be bundled for a browser.
import { StorageError } from '@sympow/storage';

/** @throws StorageError in a runtime without files */
export function localFiles() {
  const builtin = typeof process === 'undefined' ? undefined : process.getBuiltinModule;
  if (builtin) return { fs: builtin('node:fs/promises'), path: builtin('node:path') };
  throw new StorageError('unsupported', {
    what: 'runtime',
    value: undefined,
    message: 'this runtime has no files',
    expected: 'Node 20.19 or newer, or one that offers process.getBuiltinModule',
    remedy: 'Read the text by other means and hand it to textSource, or give an address that begins with https://.',
  });
}
