/** How a model reads tokens into a memory: a prompt in pieces, then token by token. */

import { Tape } from '@sympow/autograd';
import type { TypedArray } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';

/** Tokens of a prompt that are read at once: bounds the memory of a prompt of any length. */
const promptPiece = 512;

/** Reads for one model. Its tape records nothing and is used again for every token. */
export class Reading {
  private readonly tape: Tape;

  constructor(private readonly model: Model) {
    this.tape = new Tape(model.backend, { record: false });
  }

  /**
   * Reads the next piece of what is unread of one stream, but never its last token; what is left. The last one is read as those
   * that follow it are: where a text is cut makes no difference then.
   */
  piece(memory: ModelMemory, unread: Int32Array): Int32Array {
    const count = Math.min(promptPiece, unread.length - 1);
    const { backend } = this.model;
    backend.scope(() => {
      const tokens = backend.upload(unread.slice(0, count), [1, count]);
      this.model.forward(this.tape, tokens, { memory, lastOnly: true });
    });
    return unread.subarray(count);
  }

  /** Logits [B, V], flat, after one more token of each row; of those alone whose length is 1, where there are lengths. */
  async next(memory: ModelMemory, tokens: Int32Array, lengths?: readonly number[]): Promise<TypedArray> {
    const { backend } = this.model;
    const forward = () => {
      const ids = backend.upload(tokens, [tokens.length, 1]);
      return this.model.forward(this.tape, ids, { memory, lengths, lastOnly: true }).value;
    };
    if (backend.readSync) return backend.scope(() => backend.readSync!(forward()));
    const logits = backend.scope((keep) => keep(forward()));
    try {
      return await backend.read(logits);
    } finally {
      logits.dispose();
    }
  }
}
