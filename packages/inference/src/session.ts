/** A session: all that going on with a text takes. `generate` moves it on, a `Batch` takes it in and hands it back. */

import { Random } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';
import { decodeSession, encodeSession } from './savedSession';
import type { OpenText } from './textStream';

/** What a session carries beside its memory. */
export interface Standing {
  /** Tokens of the text that it has not read yet: the one that was answered last, or what an abort left of a prompt. */
  unread: Int32Array | undefined;
  /** The random stream that tokens are drawn from, at the place of the next draw. */
  random: Random | undefined;
  /** What the text that was shown has left open. */
  text: OpenText | undefined;
}

/**
 * Where a text stands: what the model remembers of it, and what it has not read yet.
 *
 * @example
 * ```ts
 * import { generate, Session } from '@sympow/inference';
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const session = new Session(model);
 * for await (const { token } of generate(model, { prompt: [104, 105], maxTokens: 3, session })) console.log(token);
 * const bytes = await session.save();
 * session.dispose();
 * const again = await Session.restore(model, bytes);
 * console.log(again.position); // 4
 * ```
 */
export class Session implements Standing {
  unread: Int32Array | undefined;
  random: Random | undefined;
  text: OpenText | undefined;

  /** A session that has read nothing, or what `memory` holds, which is the session's from here on. */
  constructor(
    readonly model: Model,
    readonly memory: ModelMemory = model.memory(),
  ) {}

  /** Tokens read so far. */
  get position(): number {
    return this.memory.position;
  }

  /** Bytes of its memory: constant for power attention, growing for softmax. */
  get bytes(): number {
    return this.memory.bytes;
  }

  /** Another session that stands where this one does, with a memory of its own. */
  fork(): Session {
    return Object.assign(new Session(this.model, copyOfRow(this.model, this.memory)), standingOf(this));
  }

  /**
   * The session as bytes, which goes on unchanged: a safetensors file with everything that it carries, and the model's
   * fingerprint. With power attention the size does not depend on how much was read, but for up to 63 tokens in the window.
   */
  save(): Promise<Uint8Array> {
    return encodeSession(this.model, this);
  }

  /**
   * A session that goes on where a saved one stood, to the last bit on the same backend. Nothing stays allocated if it cannot.
   *
   * @param source - what the bytes are, for messages
   * @throws CheckpointError if they are damaged, hold something else, or were saved with other weights
   * @throws ConfigError or ShapeError if they were saved by a model of another shape
   */
  static async restore(model: Model, bytes: Uint8Array, source = 'the saved session'): Promise<Session> {
    const { memory, ...rest } = await decodeSession(model, bytes, source);
    return Object.assign(new Session(model, memory), rest);
  }

  /** Gives its memory back to the backend. */
  dispose(): void {
    this.memory.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A copy of what a session carries beside its memory. */
export function standingOf({ unread, random, text }: Standing): Standing {
  return { unread: unread?.slice(), random: random && Random.load(random.save()), text };
}

/** A memory of one row: a copy of one of `from`. */
export function copyOfRow(model: Model, from: ModelMemory, row = 0): ModelMemory {
  const memory = model.memory();
  try {
    memory.copyRow(0, from, row);
  } catch (error) {
    memory.dispose();
    throw error;
  }
  return memory;
}
