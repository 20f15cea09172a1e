// By what the texts of a run are known again: a hash of each that was read.
import { contentHash, nextTurn } from '@sympow/core';
import { DataError } from '../errors';
import type { PrepareInput } from './api';

/** Texts that were read, by runs before this one too. */
export class KnownTexts {
  /**
   * @param hashes - of the texts that were read so far, by their places; grows
   * @param folder - where the run keeps what it has, for people
   */
  constructor(
    readonly hashes: (string | null)[],
    private readonly folder: string,
  ) {}

  /** Reads a text. @throws DataError if it is not the one that it was when it was read before */
  async read(inputs: readonly PrepareInput[], i: number): Promise<Uint8Array> {
    const input = inputs[i]!;
    const bytes = await input.read();
    if (!ArrayBuffer.isView(bytes) || bytes.BYTES_PER_ELEMENT !== 1) {
      const expected = 'a Uint8Array of its bytes in UTF-8';
      throw new DataError({ what: `text of ${input.name}`, value: bytes, expected });
    }
    const hash = contentHash(bytes);
    const before = (this.hashes[i] ??= hash);
    if (before === hash) return bytes;
    throw new DataError({
      what: input.name,
      value: hash,
      message: `${input.name} is not the text that it was when ${this.folder} was begun`,
      expected: `content with the hash ${before}`,
      remedy: `Put the old text back, or remove ${this.folder} to start anew.`,
    });
  }

  /** Reads all that were read before. @throws DataError if one of them is another one now */
  async readAgain(inputs: readonly PrepareInput[], signal: AbortSignal | undefined): Promise<void> {
    for (let i = 0; i < this.hashes.length; i++) {
      signal?.throwIfAborted();
      await this.read(inputs, i);
      await nextTurn();
    }
  }
}
