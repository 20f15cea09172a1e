// What `.bin` and Zarr have in common when they are written.
import type { TokenArray } from '../api';
import type { Written } from './journal';

/** What takes tokens and makes files of them. */
export interface Writer {
  /** Takes a document; returns how many tokens that makes. */
  add(document: TokenArray): Promise<number>;
  /** Makes all that was taken certain. */
  flush(written: Written): Promise<void>;
  /** Gives the result its name. */
  finish(written: Written): Promise<void>;
  close(): Promise<void>;
}
