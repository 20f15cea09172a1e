// A file on disk that grows, and can be cut back to where it was certain.
import { fileTooShort } from './errors';
import { failure, nodeFiles } from './node';

/** A file that grows. */
export interface GrowingFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Fills `bytes` from a place in it. */
  read(bytes: Uint8Array, at: number): Promise<void>;
  /** Makes what was appended outlast a power failure. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the file at `path`, cut to `length`. Its folder is there. */
export async function openGrowing(path: string, length: number): Promise<GrowingFile> {
  const { fs } = nodeFiles();
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = fs.constants as Record<string, number>;
  const named = async <R>(action: string, body: () => Promise<R>): Promise<R> => {
    try {
      return await body();
    } catch (cause) {
      throw failure(action, path, cause);
    }
  };
  const file = await named('write', () => fs.open(path, O_RDWR! | O_CREAT! | O_NOFOLLOW));
  try {
    const { size } = await file.stat();
    if (size < length) throw fileTooShort(path, size, length);
    await file.truncate(length);
  } catch (cause) {
    await file.close();
    throw failure('write', path, cause);
  }
  let end = length;
  return {
    append: (bytes) =>
      named('write', async () => {
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, end + done);
          done += bytesWritten;
        }
        end += bytes.length;
      }),
    read: (bytes, at) =>
      named('read', async () => {
        for (let done = 0; done < bytes.length;) {
          const { bytesRead } = await file.read(bytes, done, bytes.length - done, at + done);
          if (bytesRead === 0) throw fileTooShort(path, at + done, at + bytes.length);
          done += bytesRead;
        }
      }),
    flush: () => named('write', () => file.sync()),
    close: () => file.close(),
  };
}
