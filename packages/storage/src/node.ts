// What only a runtime with Node's modules has. They are asked for when they are needed and never imported, so that the package
// can be bundled for a browser; and what its calls fail with.
import { isError } from '@sympow/core';
import type { StorageProblem } from './api';
import { missingFile, StorageError } from './errors';

/** Node's modules for files, also in Deno and Bun. @throws StorageError `unsupported` in a runtime without them */
export function nodeFiles() {
  const builtin = typeof process === 'undefined' ? undefined : process.getBuiltinModule;
  if (!builtin) {
    throw new StorageError('unsupported', {
      what: 'runtime',
      value: undefined,
      message: 'this runtime has no files',
      expected: 'Node 20.19 or newer, or one that offers process.getBuiltinModule',
      remedy: 'Use memoryStorage, opfsStorage in a browser, or a Storage of your own.',
    });
  }
  return { fs: builtin('node:fs/promises'), path: builtin('node:path') };
}

/** The code of an error of the operating system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

type Words = readonly [reason: StorageProblem, problem: string, expected: string, remedy: string];
const noSpace: Words = ['full', 'the disk is full', 'enough free space', 'Free some; what was saved before is intact.'];
const noPermission: Words = [
  'refused',
  'permission is missing',
  'a folder that you may write to',
  'Choose another path.',
];
const noFolder: Words = ['taken', 'a file stands where a folder should', 'a folder', 'Choose another path.'];
const taken: Words = ['taken', 'the new name is taken', 'a free name', 'Move what is there away.'];
const problems: Readonly<Record<string, Words>> = {
  ENOSPC: noSpace,
  EDQUOT: noSpace,
  EACCES: noPermission,
  EPERM: noPermission,
  EROFS: noPermission,
  ENOENT: ['failed', 'there can be no folder', 'a place where folders can be made', 'Choose another path.'],
  ENOTDIR: noFolder,
  EEXIST: noFolder,
  ENOTEMPTY: taken,
  ELOOP: ['taken', 'it is a link that leads elsewhere', 'a file or nothing in its place', 'Remove it.'],
};

/** What a call of the file system failed with, as one line; errors from elsewhere as they are. */
export function failure(action: string, path: string, cause: unknown): unknown {
  if (!(isError(cause) && 'syscall' in cause)) return cause;
  if (action === 'read' && codeOf(cause) === 'ENOENT') return missingFile(path, cause);
  const unknown: Words = ['failed', cause.message, 'a folder that can be read and written', 'Choose another path.'];
  const [reason, problem, expected, remedy] = problems[codeOf(cause) ?? ''] ?? unknown;
  const message = `cannot ${action} ${path}: ${problem}`;
  return new StorageError(reason, { what: path, value: codeOf(cause), message, expected, remedy, cause });
}
