/** The third entry point that evaluation tools expect: a text that goes on until one of several texts comes up. */

import { requireWhole } from '@sympow/kernels';
import { gather, oneProcess, rounds, together, type Communicator } from '@sympow/core';
import type { Tokenizer } from '@sympow/data';
import { generateText } from '@sympow/inference';
import type { Model } from '@sympow/model';
import type { GenerateUntilOptions, GenerateUntilRequest } from './api';
import { prefixOf } from './loglikelihood';

/**
 * What a model writes after each context, in the order of the requests.
 *
 * @throws ConfigError for a prefix without tokens, a `maxTokens` that is not a whole number, or sampling options out of range
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * const questions = [{ context: 'Q: What is a lamb?\nA:', until: ['\nQ:'], maxTokens: 40 }];
 * for await (const answer of generateUntil(model, tokenizer, questions)) console.log(answer);
 * ```
 */
export function generateUntil(
  model: Model,
  tokenizer: Tokenizer,
  requests: Iterable<GenerateUntilRequest>,
  { communicator = oneProcess, ...options }: GenerateUntilOptions = {},
): AsyncGenerator<string, void, undefined> {
  return together(communicator, answers(model, tokenizer, requests, communicator, options));
}

async function* answers(
  model: Model,
  tokenizer: Tokenizer,
  requests: Iterable<GenerateUntilRequest>,
  communicator: Communicator,
  { prefix, temperature = 0, seed = 0, ...options }: GenerateUntilOptions,
): AsyncGenerator<string, void, undefined> {
  const before = prefixOf(tokenizer, prefix);
  const { stop = [] } = options;
  const answer = async ({ context, until = [], maxTokens = 256 }: GenerateUntilRequest) => {
    requireWhole('maxTokens', maxTokens, 0);
    const prompt = tokenizer.encode(context).length > 0 ? context : before;
    // As for other evaluation tools, an empty text ends nothing.
    const ends = [...until.filter((text) => text !== ''), ...stop];
    let said = '';
    const request = { ...options, temperature, seed, prompt, maxTokens, stop: ends };
    for await (const { text } of generateText(model, tokenizer, request)) said += text;
    return said;
  };
  for await (const round of rounds(requests, communicator)) {
    const own = round[communicator.rank];
    const said = await gather(communicator, new TextEncoder().encode(own && (await answer(own))));
    for (const bytes of said.slice(0, round.length)) yield new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }
}
