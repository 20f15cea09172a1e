/** Where files of a dataset lie: a folder or a server, reduced to reading parts of files. */

/** Files that can be read in part. Keys are names below the store, with `/` between folders. */
export interface ByteStore {
  /** Path or address, for people. */
  readonly name: string;
  /** Where a file lies, for people. */
  locate(key: string): string;
  /**
   * Bytes of a file; undefined if there is no such file.
   *
   * @throws DataError if it cannot be read, ends before the range does, or holds more bytes than the range allows
   */
  read(key: string, range: ByteRange): Promise<Uint8Array | undefined>;
  /** Bytes in a file; undefined if there is no such file. @throws DataError if that cannot be found out */
  size(key: string): Promise<number | undefined>;
}

/** Bytes begin … end−1, the last so many, or the whole file if it has at most so many. */
export type ByteRange =
  { readonly begin: number; readonly end: number } | { readonly last: number } | { readonly atMost: number };
