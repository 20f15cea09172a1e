/** From a text to a model that writes. */

import { ConfigError } from '@sympow/core';
import { byteTokenizer, charTokenizer, textSource, type Tokenizer, type TokenSource } from '@sympow/data';
import type { Backend } from '@sympow/kernels';
import { Model, modelConfig, variants, type ModelOptions } from '@sympow/model';
import { openStorage, type Storage } from '@sympow/storage';
import { train, type StepEvent, type TrainingOptions } from '@sympow/training';
import { onBackend, type BackendChoice } from './backend';
import { TextModel } from './textModel';
import { TOKENIZER } from './tokenizerOf';

/** What may be said about the model and its training; every option has a default that suits small texts. */
export interface FitOptions
  extends
    BackendChoice,
    Partial<
      Pick<TrainingOptions, 'steps' | 'batch' | 'context' | 'learningRate' | 'warmup' | 'evaluation' | 'signal'>
    > {
  /** Settings of the model; default: the conformal one with 2 layers of width 64. */
  readonly model?: Partial<ModelOptions> | undefined;
  /** Default: the characters of a text with at most 256 different ones, else its bytes. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Which weights it begins with, and which rows are drawn; default 0. The same seed gives the same model on the same backend. */
  readonly seed?: number | undefined;
  /** Where the run is kept, as a path or any storage: one that was stopped, or killed, goes on from there. Default: nowhere. */
  readonly folder?: string | Storage | undefined;
  /** Told after every step. */
  readonly onStep?: ((event: StepEvent) => void) | undefined;
}

const small = { ...variants.conformal, hiddenSize: 64, layers: 2, heads: 2, headSize: 32 };
const mostCharacters = 256;

/**
 * Trains a model on a text. Stopped by `signal` it gives the model as it is then.
 *
 * @param text - the text, or the tokens of any source of `@sympow/data`, which then has to have a tokenizer or come with one
 * @throws ConfigError for options out of their range, or a source without a tokenizer
 * @throws DataError if the text is too short for two tokens
 * @throws TrainingError if the loss is not finite any more
 *
 * @example
 * ```ts
 * import { fit } from '@sympow/start';
 * const model = await fit('to be or not to be, '.repeat(40), { steps: 20 });
 * console.log((await model.generate('to be or', { maxTokens: 10, temperature: 0 })).length); // 10
 * await model.close();
 * ```
 */
export async function fit(text: string | TokenSource, options: FitOptions = {}): Promise<TextModel> {
  const { backend, model: settings, tokenizer: given, seed = 0, folder, onStep, ...rest } = options;
  const tokenizer = given ?? (typeof text === 'string' ? tokenizerFor(text) : text.tokenizer);
  if (tokenizer === undefined) {
    throw new ConfigError({
      what: 'tokenizer',
      value: undefined,
      expected: `that of the source ${(text as TokenSource).name}`,
    });
  }
  const data = typeof text === 'string' ? textSource(text, { tokenizer }) : text;
  const config = modelConfig({ ...small, ...settings, vocabSize: tokenizer.vocabSize });
  return onBackend({ backend }, async (open: Backend, owned) => {
    const model = Model.create(open, config, { seed });
    const checkpoints = folder !== undefined && {
      storage: typeof folder === 'string' ? openStorage(folder) : folder,
      files: { [TOKENIZER]: JSON.stringify(tokenizer) },
    };
    try {
      const run = train({
        ...{ model, data, seed, steps: 300, batch: 8, learningRate: 4e-3 },
        context: Math.max(1, Math.min(128, data.tokenCount - 1)),
        ...rest,
        ...(checkpoints && { checkpoints }),
      });
      for await (const event of run) if (event.type === 'step') onStep?.(event);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return new TextModel(model, tokenizer, owned);
  });
}

function tokenizerFor(text: string): Tokenizer {
  return new Set(text).size <= mostCharacters ? charTokenizer(text) : byteTokenizer();
}
