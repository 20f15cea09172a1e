// Writing that outlasts a power failure and leaves nothing half: files are written beside their place, flushed, and renamed.
import { DataError } from '../errors';
import { codeOf, nodeFiles } from '../runtime';

/** Writes a file as a whole, or leaves what was there. */
export async function writeWhole(path: string, contents: string | Uint8Array): Promise<void> {
  const { fs, path: paths } = nodeFiles();
  const beside = `${path}.new`;
  await named('write', path, async () => {
    try {
      await makeFolder(paths.dirname(path));
      // What a killed run has left; and a link in its place is not followed.
      await fs.rm(beside, { force: true });
      const file = await fs.open(beside, 'wx');
      try {
        await file.writeFile(contents);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.rename(beside, path);
    } catch (error) {
      await fs.rm(beside, { force: true }).catch(() => undefined);
      throw error;
    }
  });
}

/**
 * Makes a folder, with those above it. (Node's own recursive `mkdir` never comes back where a file system answers that a folder
 * is missing which it lists, as `/proc` does.)
 */
export async function makeFolder(folder: string): Promise<void> {
  const { fs, path } = nodeFiles();
  await named('make', folder, async () => {
    try {
      await fs.mkdir(folder);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return;
      if (codeOf(error) !== 'ENOENT' || path.dirname(folder) === folder) throw error;
      await makeFolder(path.dirname(folder));
      await fs.mkdir(folder);
    }
  });
}

/** Gives a file or folder its name, for good. */
export async function rename(from: string, to: string): Promise<void> {
  const { fs, path: paths } = nodeFiles();
  await named('rename', from, async () => {
    await fs.rename(from, to);
    if (process.platform === 'win32') return;
    const folder = await fs.open(paths.dirname(to));
    try {
      await folder.sync();
    } catch (error) {
      if (codeOf(error) !== 'EINVAL') throw error;
    } finally {
      await folder.close();
    }
  });
}

/** A file that grows, and can be cut back to where it was certain. */
export interface Growing {
  append(bytes: Uint8Array): Promise<void>;
  /** Fills `bytes` from a place in it. */
  read(bytes: Uint8Array, at: number): Promise<void>;
  /** Makes what was appended outlast a power failure. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file that grows, cut to `length`. @throws DataError if it is shorter, or a link that leads elsewhere */
export async function openGrowing(path: string, length: number): Promise<Growing> {
  const { fs } = nodeFiles();
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = fs.constants as Record<string, number>;
  const file = await named('write', path, () => fs.open(path, O_RDWR! | O_CREAT! | O_NOFOLLOW));
  const { size } = await file.stat();
  if (size < length) {
    await file.close();
    throw new DataError({
      what: `size of ${path}`,
      value: size,
      expected: `at least ${length} bytes, which were written before`,
      remedy: 'Remove what was begun and start anew.',
    });
  }
  await file.truncate(length);
  let end = length;
  return {
    append: (bytes) =>
      named('write', path, async () => {
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, end + done);
          done += bytesWritten;
        }
        end += bytes.length;
      }),
    async read(bytes, at) {
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, at + done);
        if (bytesRead === 0) throw new DataError({ what: `size of ${path}`, value: at + done, expected: 'more bytes' });
        done += bytesRead;
      }
    },
    flush: () => named('write', path, () => file.sync()),
    close: () => file.close(),
  };
}

const problems: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
  EACCES: 'permission is missing',
  EPERM: 'permission is missing',
  EROFS: 'permission is missing',
  ENOENT: 'there can be no folder',
  ENOTDIR: 'a file stands where a folder should',
  ELOOP: 'it is a link that leads elsewhere',
};

/** Names the file and the remedy where the operating system fails. */
async function named<R>(action: string, path: string, body: () => Promise<R>): Promise<R> {
  try {
    return await body();
  } catch (cause) {
    const code = codeOf(cause);
    if (!(cause instanceof Error) || code === undefined || cause instanceof DataError) throw cause;
    throw new DataError({
      what: path,
      value: code,
      message: `cannot ${action} ${path}: ${problems[code] ?? cause.message}`,
      expected: 'a place with space where files may be written',
      remedy: 'Once there is, the same command goes on where it stopped.',
      cause,
    });
  }
}
