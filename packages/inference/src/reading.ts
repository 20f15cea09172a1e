/** How a model reads tokens into a memory: a prompt in pieces, then token by token. */

import { Tape } from '@sympow/autograd';
import type { Recording, Tensor, TypedArray } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';

/** Tokens of a prompt that are read at once: bounds the memory of a prompt of any length. */
const promptPiece = 512;

/** Reads into one memory. What it needs for every token, and the launches of tokens that go the same way, are made once. */
export class Reading {
  private readonly tape: Tape;
  private readonly recordings: (Recording | undefined)[] = [];
  private ids: Tensor | undefined;

  constructor(
    private readonly model: Model,
    private readonly memory: ModelMemory,
  ) {
    this.tape = new Tape(model.backend, { record: false });
  }

  /** Logits [B, V], flat, after one more token of each row; of those alone whose length is 1, where there are lengths. */
  async next(tokens: Int32Array, lengths?: readonly number[]): Promise<TypedArray> {
    const { model, memory, tape } = this;
    const { backend } = model;
    const ids = (this.ids ??= backend.detach(backend.empty([tokens.length, 1], 'int32')));
    backend.write(ids, tokens);
    const forward = () => model.forward(tape, ids, { memory, lengths, lastOnly: true }).value;
    const recorded = lengths ? undefined : this.recorded(forward);
    const read = (logits: Tensor) => (backend.readSync ? backend.readSync(logits) : backend.read(logits));
    if (recorded) return read(recorded);
    const logits = backend.scope((keep) => keep(forward()));
    try {
      return await read(logits);
    } finally {
      logits.dispose();
    }
  }

  dispose(): void {
    this.ids?.dispose();
    for (const recording of this.recordings) recording?.dispose();
    this.recordings.length = 0;
    this.ids = undefined;
  }

  /** Logits by launches that are kept or have been kept; nothing for a token that goes a way of its own. */
  private recorded(forward: () => Tensor): Tensor | undefined {
    const { backend } = this.model;
    const { way } = this.memory;
    if (way === undefined || !backend.record) return undefined;
    const known = this.recordings[way];
    if (known?.complete) {
      known.replay();
      this.memory.follow();
      return known.output;
    }
    known?.dispose();
    return (this.recordings[way] = backend.record(forward)).output;
  }
}

/**
 * Reads the next piece of what is unread of one stream, but never its last token; what is left. The last one is read as those
 * that follow it are: where a text is cut makes no difference then.
 */
export function readPiece(model: Model, memory: ModelMemory, unread: Int32Array): Int32Array {
  const count = Math.min(promptPiece, unread.length - 1);
  const { backend } = model;
  backend.scope(() => {
    const tokens = backend.upload(unread.slice(0, count), [1, count]);
    model.forward(new Tape(backend, { record: false }), tokens, { memory, lastOnly: true });
  });
  return unread.subarray(count);
}
