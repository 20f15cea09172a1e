// How the files of datasets are read, wherever they lie.
import type { HttpOptions, OpenOptions } from '@sympow/storage';

/** What is decoded is kept, so bytes need not be; and pages of two files are no dataset. */
export function reading(http: HttpOptions | undefined): OpenOptions {
  return { http: { cacheBytes: 0, ...http }, steady: true };
}
