/**
 * Sessions side by side: each goes on in a row of a batch, and one pass over the model gives one token to every row. A row stands
 * at a place of its own and gets what it would get alone.
 */

import { breathing, ConfigError, requireKnownKeys, type KnownKeys } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';
import { Continuation } from './continuation';
import { textsOf, tokensOf, type GenerateTextOptions } from './generateText';
import { Reading, readPiece, type Step } from './reading';
import type { GeneratedToken } from './sampling';
import { copyOfRow, Session, standingOf, type Standing } from './session';
import { Writing, type Shown, type TextTokenizer } from './writing';

/** What makes a {@link Batch}. */
export interface BatchOptions {
  /** Rows, of which every step computes all: a whole number of at least 1. By default 4, and twice as many whenever all are taken. */
  readonly capacity?: number | undefined;
  /** For prompts and stops that are text. With it, tokens come with their text. */
  readonly tokenizer?: TextTokenizer | undefined;
}

/** What a row begins with, how its tokens are chosen and where it ends. */
export interface JoinOptions extends Omit<GenerateTextOptions, 'session'> {
  /** The session that the row goes on from, which itself stays as it is: several rows may go on from one. Default: a fresh one. */
  readonly from?: Session | undefined;
}

/** Why a row has ended: it has its `maxTokens`, came to a stop, its signal has aborted, or it cannot go on. */
export type EndReason = 'maxTokens' | 'stop' | 'aborted' | 'failed';

/** A row of a batch, from `join` to `leave`. */
export interface BatchRow {
  /** Tokens that it was given. */
  readonly tokens: number;
  /** Why it has ended; nothing while it goes on. */
  readonly ended: EndReason | undefined;
}

/** A token of a row, or its end. */
export type BatchEvent =
  | (GeneratedToken & { readonly type: 'token'; readonly row: BatchRow; readonly text: string })
  | {
      readonly type: 'end';
      readonly row: BatchRow;
      readonly reason: EndReason;
      /** Text that came with no token: what the prompt brought to an end. */
      readonly text: string;
      /** Why it cannot go on. */
      readonly error?: unknown;
    };

class Row implements BatchRow {
  tokens = 0;
  ended: EndReason | undefined;
  /** What it has read, until its prompt is read and it moves into the batch. */
  lane: ModelMemory | undefined;
  /** Text that comes with the next token. */
  first = '';

  constructor(
    readonly index: number,
    readonly session: Standing,
    readonly continuation: Continuation,
    readonly signal: AbortSignal | undefined,
    readonly writing: Writing | undefined,
  ) {}
}

const knownToJoin: KnownKeys<JoinOptions> = {
  ...{ from: true, prompt: true, maxTokens: true, seed: true, stop: true, signal: true },
  ...{ temperature: true, topK: true, topP: true, minP: true },
};

/**
 * Sessions that are gone on with side by side. Rows join and leave at any time; what each is given depends on nothing but itself.
 *
 * @example
 * ```ts
 * import { Batch } from '@sympow/inference';
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const batch = new Batch(model);
 * const [one, other] = [[1, 2, 3], [4]].map((prompt) => batch.join({ prompt, maxTokens: 5, seed: 1 }));
 * for await (const event of batch.run()) {
 *   if (event.type === 'token') console.log(event.row === one, event.token);
 * }
 * const session = await batch.leave(one!); // goes on alone, in another batch, or as bytes
 * console.log(session.position, other!.ended); // 7 maxTokens
 * ```
 */
export class Batch {
  private memory: ModelMemory;
  private readonly rows: (Row | undefined)[];
  private reading: Reading;
  private readonly events: BatchEvent[] = [];
  private step: Promise<void> | undefined;
  /** Rows with a prompt to read, in the order in which they joined. */
  private waiting: Row[] = [];

  /** @throws ConfigError for a capacity that is not a whole number of at least 1 */
  constructor(
    readonly model: Model,
    private readonly options: BatchOptions = {},
  ) {
    requireKnownKeys('Batch', options, { capacity: true, tokenizer: true });
    const { capacity = 4 } = options;
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new ConfigError({ what: 'capacity', value: capacity, expected: 'a whole number of at least 1' });
    this.memory = model.memory(capacity);
    this.rows = new Array<undefined>(capacity).fill(undefined);
    this.reading = new Reading(model, this.memory);
  }

  /** Rows that there is room for. */
  get capacity(): number {
    return this.rows.length;
  }

  /** Rows that have joined and not left. */
  get size(): number {
    return this.rows.filter((row) => row).length;
  }

  /** Bytes of the memory of all rows, taken or not. */
  get bytes(): number {
    return this.memory.bytes + this.rows.reduce((sum, row) => sum + (row?.lane?.bytes ?? 0), 0);
  }

  /**
   * Takes a session in. Its prompt is read while others go on, a piece at a time.
   *
   * @throws ConfigError where `generate` does, for text without a tokenizer, and where all rows of a given capacity are taken
   */
  join(options: JoinOptions): BatchRow {
    requireKnownKeys('Batch.join', options, knownToJoin);
    const { from, prompt = [], stop = [], signal, ...wanted } = options;
    const session: Standing = from ? standingOf(from) : { unread: undefined, random: undefined, text: undefined };
    const writing = this.writingOf(session, prompt, stop);
    const tokens = writing?.prompt ?? (prompt as ArrayLike<number>);
    const choosing = { ...wanted, prompt: tokens, stop: tokensOf(stop) };
    const known = { ...session, position: from?.position ?? 0 };
    const continuation = new Continuation(this.model.config.vocabSize, choosing, known);
    const row = new Row(this.free(), session, continuation, signal, writing);
    const unread = continuation.begin(session);
    if (from && unread.length === 1) {
      this.memory.copyRow(row.index, from.memory, 0);
    } else {
      const lane = from ? copyOfRow(this.model, from.memory) : this.model.memory();
      row.lane = lane;
      try {
        if (unread.length === 1) this.moveIn(row);
        else this.waiting.push(row);
      } catch (error) {
        lane.dispose();
        throw error;
      }
    }
    this.rows[row.index] = row;
    row.first = writing?.begin() ?? '';
    if (writing?.stopped) this.end(row, 'stop');
    else if (continuation.left <= 0 && !row.lane) this.end(row, 'maxTokens');
    return row;
  }

  /**
   * Lets a row go: the session that it has become, which is the caller's. Tokens that were chosen and not yielded yet are part of
   * it, and `run` yields them still.
   *
   * @throws ConfigError for a row that has left
   */
  async leave(row: BatchRow): Promise<Session> {
    await this.step;
    const own = row as Row;
    if (this.rows[own.index] !== row)
      throw new ConfigError({ what: 'row', value: row, message: 'the row has left', expected: 'one of this batch' });
    const memory = own.lane ?? copyOfRow(this.model, this.memory, own.index);
    this.rows[own.index] = undefined;
    return Object.assign(new Session(this.model, memory), own.session);
  }

  /**
   * Yields tokens and ends of rows until no row has anything to come. Rows may join and leave meanwhile; called again, it goes on.
   * A row that has ended keeps its place until it leaves.
   *
   * @throws the signal's reason when aborted: then every row stands where it stood
   */
  async *run({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<BatchEvent, void, undefined> {
    const breathe = breathing();
    for (;;) {
      for (let event = this.events.shift(); event; event = this.events.shift()) yield event;
      if (!this.rows.some((row) => row && !row.ended)) return;
      await breathe();
      signal?.throwIfAborted();
      this.step ??= this.advance().finally(() => {
        this.step = undefined;
      });
      await this.step;
    }
  }

  /** Gives all memory back to the backend. Sessions that have left are not concerned. */
  dispose(): void {
    this.reading.dispose();
    this.memory.dispose();
    for (const row of this.rows) row?.lane?.dispose();
    this.rows.fill(undefined);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** A piece of one prompt, and one token for each row that has read its own. */
  private async advance(): Promise<void> {
    const going = () => this.rows.filter((row) => row !== undefined && !row.ended) as Row[];
    for (const row of going()) if (row.signal?.aborted) this.end(row, 'aborted');
    this.waiting = this.waiting.filter((row) => row.lane && !row.ended && this.rows[row.index] === row);
    const [reader] = this.waiting;
    if (reader) await this.orEnd([reader], () => this.readPiece(reader));
    const ready = going().filter((row) => !row.lane);
    if (ready.length === 0) return;
    await this.orEnd(ready, async () => {
      const steps = new Array<Step | undefined>(this.rows.length).fill(undefined);
      for (const { index, session, continuation } of ready) {
        const { settings, random } = continuation;
        steps[index] = { token: session.unread![0]!, settings, random };
        // Should anything fail from here on, there is no going on.
        session.unread = undefined;
      }
      const chosen = await this.reading.next(steps);
      for (const row of ready) await this.orEnd([row], () => this.take(row, chosen[row.index]!));
    });
  }

  private readPiece(row: Row): void {
    row.session.unread = readPiece(this.model, row.lane!, row.session.unread!);
    if (row.session.unread.length > 1) return;
    this.moveIn(row);
    if (row.continuation.left <= 0) this.end(row, 'maxTokens');
  }

  private moveIn(row: Row): void {
    this.memory.copyRow(row.index, row.lane!, 0);
    row.lane!.dispose();
    row.lane = undefined;
  }

  private take(row: Row, chosen: GeneratedToken): void {
    const { session, continuation, writing } = row;
    const choice = continuation.take(session, chosen);
    if (!choice) return this.end(row, 'stop');
    const text = row.first + (writing?.push(choice.token) ?? '');
    row.first = '';
    row.tokens++;
    this.events.push({ type: 'token', row, ...choice, text });
    if (writing?.stopped) this.end(row, 'stop');
    else if (continuation.left <= 0) this.end(row, 'maxTokens');
  }

  /** What fails ends the rows that it is for, and no others. */
  private async orEnd(rows: readonly Row[], body: () => void | Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      for (const row of rows) this.end(row, 'failed', error);
    }
  }

  private end(row: Row, reason: EndReason, error?: unknown): void {
    row.ended = reason;
    this.events.push({ type: 'end', row, reason, text: row.first, ...(error !== undefined && { error }) });
    row.first = '';
  }

  private writingOf(
    shown: Shown,
    prompt: string | ArrayLike<number>,
    stop: readonly (string | number)[],
  ): Writing | undefined {
    const { tokenizer } = this.options;
    if (tokenizer) return new Writing(tokenizer, shown, prompt, textsOf(stop));
    const text = [prompt, ...stop].find((each) => typeof each === 'string');
    if (text === undefined) return undefined;
    throw new ConfigError({
      what: 'text without a tokenizer',
      value: text,
      expected: 'tokens',
      remedy: 'Give the batch a tokenizer.',
    });
  }

  /** A row that is not taken. */
  private free(): number {
    const index = this.rows.indexOf(undefined);
    if (index >= 0) return index;
    const { length } = this.rows;
    if (this.options.capacity !== undefined) {
      throw new ConfigError({
        what: 'rows of the batch',
        value: length,
        message: `all ${length} rows of the batch are taken`,
        expected: 'one that is free',
        remedy: 'Let a row leave, or leave out capacity.',
      });
    }
    const larger = this.model.memory(2 * length);
    try {
      for (let row = 0; row < length; row++) larger.copyRow(row, this.memory, row);
    } catch (error) {
      larger.dispose();
      throw error;
    }
    this.reading.dispose();
    this.memory.dispose();
    this.memory = larger;
    this.reading = new Reading(this.model, larger);
    for (let row = 0; row < length; row++) this.rows.push(undefined);
    return length;
  }
}
