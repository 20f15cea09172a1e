/** Generation: the prompt in pieces, then token by token, in memory that does not grow. */

import { Tape } from '@sympow/autograd';
import { breathing, ConfigError, Random, requireKnownKeys } from '@sympow/kernels';
import type { KnownKeys, Tensor, TypedArray } from '@sympow/kernels';
import type { Model } from '@sympow/model';
import { sampler, type GeneratedToken, type SamplingOptions } from './sampling';
import { beginSession, type Session } from './session';

/** What to generate and when to stop. */
export interface GenerateOptions extends SamplingOptions {
  /** Tokens to begin with; at least one, or none where a session has a token to go on from. */
  readonly prompt?: ArrayLike<number> | undefined;
  /** Most tokens to generate; default unlimited. */
  readonly maxTokens?: number | undefined;
  /** Of the draws; 0 unless said otherwise. A session goes on in its random stream if that has this seed, or none is given. */
  readonly seed?: number | undefined;
  /** Tokens that end the text; the one found is not yielded. */
  readonly stop?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Goes on from here and is moved on; it stays the caller's. Wherever the tokens end, also by an abort, it can be gone on
   * with: the tokens that follow are those that would have followed. A stop token is part of it, though it is not yielded.
   * Without a session a fresh one is begun and disposed of.
   */
  readonly session?: Session | undefined;
}

/** Tokens of a prompt that are read at once: bounds the memory of a prompt of any length. */
const promptPiece = 512;

const known: KnownKeys<GenerateOptions> = {
  ...{ prompt: true, maxTokens: true, seed: true, stop: true, signal: true, session: true },
  ...{ temperature: true, topK: true, topP: true, minP: true },
};

/**
 * Yields tokens until `maxTokens`, a stop token or an abort.
 *
 * With a power model nothing is allocated per token and memory does not grow: run it for as long as you like.
 *
 * @throws ConfigError for no token to begin with, tokens outside the vocabulary, or options out of range
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
 * import { generate } from '@sympow/inference';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const tokens: number[] = [];
 * for await (const { token } of generate(model, { prompt: [104, 105], maxTokens: 3, seed: 1 })) tokens.push(token);
 * console.log(tokens.length); // 3
 * ```
 */
export async function* generate(
  model: Model,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, undefined> {
  requireKnownKeys('generate', options, known);
  const { prompt = [], maxTokens = Infinity, seed, stop = [], signal } = options;
  const { config } = model;
  check(prompt, config.vocabSize, maxTokens, options.session);
  const sample = sampler(config.vocabSize, options);
  const random = randomOf(seed, options.session);
  const session = options.session ?? beginSession(model);
  session.random = random;
  session.unread = joined(session.unread, prompt);
  // A backend that computes at once never lets timers or signals through by itself.
  const breathe = breathing();
  const reader = readerOf(model, session);
  try {
    // The last token is read as those that follow it are: where a text is cut makes no difference then.
    while (session.unread.length > 1) {
      signal?.throwIfAborted();
      reader.readPiece(Math.min(promptPiece, session.unread.length - 1));
      await breathe();
    }
    for (let count = 0; count < maxTokens; count++) {
      await breathe();
      signal?.throwIfAborted();
      const choice = sample(await reader.readLast(), random);
      session.unread = Int32Array.of(choice.token);
      if (stop.includes(choice.token)) return;
      yield choice;
    }
  } finally {
    reader.dispose();
    if (!options.session) session.memory.dispose();
  }
}

/** The tokens of a session on their way into its memory. What it allocates for single tokens is made once. */
function readerOf(model: Model, session: Session) {
  const { backend, config } = model;
  const { memory } = session;
  let own: { readonly next: Tensor; readonly logits: Tensor } | undefined;

  function read(tokens: Tensor, logits?: Tensor): void {
    const last = model.forward(new Tape(backend, { record: false }), tokens, { memory, lastOnly: true });
    if (logits) backend.kernels.cast({ x: backend.view(last.value, logits.shape), y: logits });
  }

  return {
    readPiece(count: number): void {
      const piece = session.unread!.slice(0, count);
      backend.scope(() => read(backend.upload(piece, [1, count])));
      session.unread = session.unread!.subarray(count);
    },
    /** The logits of what follows. */
    async readLast(): Promise<TypedArray> {
      own ??= backend.scope((keep) => {
        const made = { next: backend.empty([1, 1], 'int32'), logits: backend.empty([config.vocabSize]) };
        Object.values(made).forEach(keep);
        return made;
      });
      const { next, logits } = own;
      backend.write(next, session.unread!);
      // Should anything fail from here on, there is no going on.
      session.unread = undefined;
      backend.scope(() => read(next, logits));
      return backend.readSync ? backend.readSync(logits) : await backend.read(logits);
    },
    dispose(): void {
      own?.next.dispose();
      own?.logits.dispose();
    },
  };
}

/** Where the draws of a seed stand in a session, or the beginning of its stream. */
function randomOf(seed: number | undefined, session: Session | undefined): Random {
  const drawn = session?.random;
  return drawn && (seed ?? drawn.seed) === drawn.seed ? drawn : new Random(seed ?? 0, 'sampling');
}

function joined(before: ArrayLike<number> = [], after: ArrayLike<number>): Int32Array {
  const all = new Int32Array(before.length + after.length);
  all.set(before);
  all.set(after, before.length);
  return all;
}

function check(prompt: ArrayLike<number>, vocabSize: number, maxTokens: number, session: Session | undefined): void {
  if (prompt.length === 0 && !session?.unread?.length) {
    throw new ConfigError({
      what: 'the prompt',
      value: [],
      message: session?.memory.position ? 'the session has no token to go on from' : 'the prompt is empty',
      expected: 'at least one token',
      remedy: 'Begin with a line break.',
    });
  }
  for (let i = 0; i < prompt.length; i++) {
    const token = prompt[i]!;
    if (!Number.isSafeInteger(token) || token < 0 || token >= vocabSize) {
      throw new ConfigError({
        what: `token ${i} of the prompt`,
        value: token,
        expected: `a whole number from 0 to ${vocabSize - 1}`,
      });
    }
  }
  if (!(maxTokens >= 0))
    throw new ConfigError({ what: 'maxTokens', value: maxTokens, expected: 'a number of at least 0' });
}
