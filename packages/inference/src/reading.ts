/** How a model reads tokens into a memory: a prompt in pieces, then token by token. */

import { Tape } from '@sympow/autograd';
import type { Random, Recording, Tensor } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';
import { greedy, type GeneratedToken, type SamplingSettings } from './sampling';

/** Tokens of a prompt that are read at once: bounds the memory of a prompt of any length. */
const promptPiece = 512;

/** What one row of a memory reads, and how the token behind it is chosen. */
export interface Step {
  readonly token: number;
  readonly settings: SamplingSettings;
  /** Moves on with each draw. */
  readonly random: Random;
}

/** What the device holds of one row: the step that it would make next. */
interface Held extends Partial<Step> {
  position?: number | undefined;
}

/** A generator that is not drawn from. */
const nowhere: readonly number[] = [0, 0, 0, 0, 0, 0];

function holds(held: Held | undefined, { token, settings, random }: Step): boolean {
  if (held?.token !== token || held.settings !== settings) return false;
  return held.random === random && held.position === random.position;
}

/** Reads into one memory. What it needs for every token, and the launches of tokens that go the same way, are made once. */
export class Reading {
  private readonly tape: Tape;
  private readonly recordings: (Recording | undefined)[] = [];
  /** Those of the memory when the recordings were made. */
  private bytes = 0;
  /** The tokens that are read, and then those that were chosen; how they are, and what from. */
  private tensors: { readonly ids: Tensor; readonly settings: Tensor; readonly random: Tensor } | undefined;
  private held: readonly Held[] = [];

  constructor(
    private readonly model: Model,
    private readonly memory: ModelMemory,
  ) {
    this.tape = new Tape(model.backend, { record: false });
  }

  /** Reads one more token of each row and chooses the one behind it. Rows without a step rest. */
  async next(rows: readonly (Step | undefined)[]): Promise<GeneratedToken[]> {
    const { model, memory, tape } = this;
    const { backend } = model;
    const { ids, settings, random } = (this.tensors ??= this.make(rows.length));
    const { held } = this;
    if (!rows.every((row, i) => row && holds(held[i], row))) {
      backend.write(
        ids,
        Int32Array.from(rows, (row) => row?.token ?? 0),
      );
      backend.write(
        settings,
        rows.flatMap((row) => row?.settings ?? greedy),
      );
      backend.write(
        random,
        rows.flatMap((row) => (row ? Array.from(row.random.toWords()) : nowhere)),
      );
    }
    this.held = [];
    const lengths = rows.includes(undefined) ? rows.map((row) => (row ? 1 : 0)) : undefined;
    const choose = () => {
      const logits = model.forward(tape, ids, { memory, lengths, lastOnly: true }).value;
      const logProbability = backend.empty([rows.length], settings.dtype);
      backend.kernels.sampleToken({
        logits: backend.view(logits, [rows.length, model.config.vocabSize]),
        settings,
        random,
        ids: backend.view(ids, [rows.length]),
        logProbability,
      });
      return logProbability;
    };
    const recorded = lengths ? undefined : this.recorded(choose);
    const logProbability = recorded ?? backend.scope((keep) => keep(choose()));
    try {
      const [tokens, logProbabilities] = backend.readSync
        ? [backend.readSync(ids), backend.readSync(logProbability)]
        : await Promise.all([backend.read(ids), backend.read(logProbability)]);
      for (const row of rows) if (row && row.settings[0] > 0) row.random.skip(2);
      this.held = rows.map((row, i) => ({ ...row, token: tokens[i]!, position: row?.random.position }));
      return rows.map((_, i) => ({ token: tokens[i]!, logProbability: logProbabilities[i]! }));
    } finally {
      if (!recorded) logProbability.dispose();
    }
  }

  dispose(): void {
    for (const tensor of Object.values(this.tensors ?? {})) tensor.dispose();
    this.forget();
    this.tensors = undefined;
    this.held = [];
  }

  private forget(): void {
    for (const recording of this.recordings) recording?.dispose();
    this.recordings.length = 0;
  }

  private make(rows: number) {
    const { backend } = this.model;
    // In full where it can be, so that no temperature is rounded.
    const wide = backend.capabilities.dtypes.includes('float64') ? 'float64' : undefined;
    return backend.scope(() => {
      const made = [
        backend.empty([rows, 1], 'int32'),
        backend.empty([rows, 4], wide),
        backend.empty([rows, 6], 'int32'),
      ];
      const [ids, settings, random] = made.map((tensor) => backend.detach(tensor)) as [Tensor, Tensor, Tensor];
      return { ids, settings, random };
    });
  }

  /** What launches give that are kept or have been kept; nothing for a token that goes a way of its own. */
  private recorded(body: () => Tensor): Tensor | undefined {
    const { backend } = this.model;
    if (!backend.record) return undefined;
    const { way, bytes } = this.memory;
    if (bytes !== this.bytes) this.forget();
    this.bytes = bytes;
    if (way === undefined) return undefined;
    const known = this.recordings[way];
    if (known?.complete) {
      known.replay();
      this.memory.follow();
      return known.output;
    }
    known?.dispose();
    return (this.recordings[way] = backend.record(body)).output;
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
