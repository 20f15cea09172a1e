/**
 * Where programs keep what they can find out again: as the XDG Base Directory Specification and its likes say. In Node alone.
 *
 * @example
 * ```ts
 * import { cacheFolder } from '@sympow/backends';
 * console.log(cacheFolder().includes('sympow')); // true
 * ```
 */
export function cacheFolder(): string {
  // Asked for when it is needed and never imported: a bundler for a browser follows every import.
  const { homedir } = process.getBuiltinModule('node:os');
  const { isAbsolute, join } = process.getBuiltinModule('node:path');
  const { XDG_CACHE_HOME: xdg = '', LOCALAPPDATA: local = '' } = process.env;
  if (isAbsolute(xdg)) return join(xdg, 'sympow');
  if (process.platform === 'win32' && isAbsolute(local)) return join(local, 'sympow', 'Cache');
  return join(homedir(), process.platform === 'darwin' ? join('Library', 'Caches') : '.cache', 'sympow');
}
