/** Generation: the prompt in pieces, then token by token, in memory that does not grow. */

import { breathing, requireKnownKeys } from '@sympow/kernels';
import type { KnownKeys } from '@sympow/kernels';
import type { Model } from '@sympow/model';
import { Continuation, type ContinuationOptions } from './continuation';
import { Reading, readPiece } from './reading';
import type { GeneratedToken } from './sampling';
import { Session } from './session';

/** What to generate and when to stop. */
export interface GenerateOptions extends ContinuationOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Goes on from here and is moved on; it stays the caller's. Wherever the tokens end, also by an abort, it can be gone on
   * with: the tokens that follow are those that would have followed. A stop token is part of it, though it is not yielded.
   * Without a session a fresh one is begun and disposed of.
   */
  readonly session?: Session | undefined;
}

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
 * import { generate } from '@sympow/inference';
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
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
  const { signal, session: given, ...wanted } = options;
  const continuation = new Continuation(model.config.vocabSize, wanted, given);
  const session = given ?? new Session(model);
  const { memory } = session;
  // A backend that computes at once never lets timers or signals through by itself.
  const breathe = breathing();
  const reading = new Reading(model, memory);
  try {
    let unread = continuation.begin(session);
    while (unread.length > 1) {
      signal?.throwIfAborted();
      session.unread = unread = readPiece(model, memory, unread);
      await breathe();
    }
    while (continuation.left > 0) {
      await breathe();
      signal?.throwIfAborted();
      const token = session.unread![0]!;
      // Should anything fail from here on, there is no going on.
      session.unread = undefined;
      const { settings, random } = continuation;
      const [chosen] = await reading.next([{ token, settings, random }]);
      const choice = continuation.take(session, chosen!);
      if (!choice) return;
      yield choice;
    }
  } finally {
    reading.dispose();
    if (!given) session.dispose();
  }
}
