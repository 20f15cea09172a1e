/** The contract of this package: a folder of bytes, wherever it lies. */

/** What goes into a file: text, bytes, or bytes piece by piece. Pieces are taken as they are needed. */
export type FileContents = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * A folder. Names are single names in it, without slashes. What goes wrong is a {@link StorageError} of one line with the
 * path and what to do; only errors of the contents that are being written pass as they are.
 */
export interface Storage {
  /** Where it is, for people. */
  readonly path: string;
  /**
   * Names of the files and folders in it, sorted; none where the folder does not exist.
   *
   * @throws StorageError `unlisted` where nobody can say: behind an address
   */
  list(): Promise<readonly string[]>;
  /** Bytes in a file; nothing where there is no such file. */
  size(name: string): Promise<number | undefined>;
  /**
   * Bytes `begin` … `end`−1 of a file, all of it by default.
   *
   * @throws StorageError `missing` where there is no such file, `short` where it ends before `end`, `changed` where it is seen
   * to be another file than before
   */
  read(name: string, begin?: number, end?: number): Promise<Uint8Array>;
  /**
   * Writes a file, and the folder where it does not exist. Afterwards it is kept even if the power fails; until then, and
   * when writing fails, the file is what it was before.
   *
   * @throws StorageError, such as `full`, or `readonly` behind an address
   */
  write(name: string, contents: FileContents): Promise<void>;
  /** Gives a file or folder another name, not taken yet, in one step. Afterwards that is kept even if the power fails. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it; nothing where there is none. */
  remove(name: string): Promise<void>;
  /** A folder in this one, whether it exists or not. */
  folder(name: string): Storage;
}

/** Why a storage could not do what it was asked for. */
export type StorageProblem =
  /** There is no such file. */
  | 'missing'
  /** A file ends before what was to be read. */
  | 'short'
  /** A file holds more than is believed of it. */
  | 'large'
  /** A file became another one while it was read. */
  | 'changed'
  /** There is no room. */
  | 'full'
  /** Permission is missing, a server refuses, or what is there can only be read. */
  | 'refused'
  /** A name is taken, or something else stands where a folder or file should. */
  | 'taken'
  /** A server does not answer, or not as it should. */
  | 'unreachable'
  /** Nobody can say which files there are. */
  | 'unlisted'
  /** This runtime has no such storage. */
  | 'unsupported'
  /** Anything else that the system below says. */
  | 'failed';
