/** Generation: the prompt in pieces, then token by token, in memory that does not grow. */

import { Tape } from '@sympow/autograd';
import { breathing, ConfigError, Random, type Tensor } from '@sympow/kernels';
import type { ModelMemory } from './memory';
import type { Model } from './model';
import { sampler, type GeneratedToken, type SamplingOptions } from './sampling';

/** What to generate and when to stop. */
export interface GenerateOptions extends SamplingOptions {
  /** Tokens to begin with, at least one. */
  readonly prompt: ArrayLike<number>;
  /** Most tokens to generate; default unlimited. */
  readonly maxTokens?: number;
  readonly seed?: number;
  /** Tokens that end the text; the one found is not yielded. */
  readonly stop?: readonly number[];
  readonly signal?: AbortSignal;
  /**
   * Goes on from here and is moved on; it stays the caller's. It has then read all but the last token yielded, with which the
   * next prompt begins; after a stop token it has read all that were yielded, and the next prompt begins with the stop token.
   * Without it a fresh memory is made and disposed of.
   */
  readonly memory?: ModelMemory;
}

/** Tokens of a prompt that are read at once: bounds the memory of a prompt of any length. */
const promptPiece = 512;

/**
 * Yields tokens until `maxTokens`, a stop token or an abort.
 *
 * With a power model nothing is allocated per token and memory does not grow: run it for as long as you like.
 *
 * @throws ConfigError for an empty prompt, tokens outside the vocabulary, or sampling options out of range
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { generate, Model, modelConfig } from '@sympow/model';
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
  const { prompt, maxTokens = Infinity, seed = 0, stop = [], signal } = options;
  const { backend, config } = model;
  check(prompt, config.vocabSize, maxTokens, options.memory);
  const sample = sampler(config.vocabSize, options);
  const random = new Random(seed, 'sampling');
  const memory = options.memory ?? model.memory();
  // A backend that computes at once never lets timers or signals through by itself.
  const breathe = breathing();
  const next = backend.empty([1, 1], 'int32');
  const logits = backend.empty([config.vocabSize]);
  try {
    for (let from = 0; from < prompt.length; from += promptPiece) {
      signal?.throwIfAborted();
      const piece = Int32Array.from(
        { length: Math.min(promptPiece, prompt.length - from) },
        (_, i) => prompt[from + i]!,
      );
      const tokens = backend.upload(piece, [1, piece.length]);
      read(model, tokens, memory, logits);
      tokens.dispose();
      await breathe();
    }
    for (let count = 0; count < maxTokens; count++) {
      await breathe();
      signal?.throwIfAborted();
      const scores = backend.readSync ? backend.readSync(logits) : await backend.read(logits);
      const choice = sample(scores, random);
      if (stop.includes(choice.token)) return;
      yield choice;
      if (count + 1 >= maxTokens) return;
      backend.write(next, [choice.token]);
      read(model, next, memory, logits);
    }
  } finally {
    next.dispose();
    logits.dispose();
    if (!options.memory) memory.dispose();
  }
}

/** Moves the memory past `tokens` and leaves the logits of what follows them in `logits`. */
function read(model: Model, tokens: Tensor, memory: ModelMemory, logits: Tensor): void {
  const { backend } = model;
  backend.scope(() => {
    const last = model.forward(new Tape(backend, { record: false }), tokens, { memory, lastOnly: true });
    backend.kernels.cast({ x: backend.view(last.value, logits.shape), y: logits });
  });
}

function check(prompt: ArrayLike<number>, vocabSize: number, maxTokens: number, memory: ModelMemory | undefined): void {
  if (prompt.length === 0) {
    throw new ConfigError({
      what: 'the prompt',
      value: [],
      message: 'the prompt is empty',
      expected: 'at least one token',
      remedy: memory ? 'Pass the last token that was generated.' : 'Begin with a line break.',
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
