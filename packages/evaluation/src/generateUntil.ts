/** The third entry point that evaluation tools expect: a text that goes on until one of several texts comes up. */

import type { Tokenizer } from '@sympow/data';
import { generate, type Model } from '@sympow/model';
import type { GenerateUntilOptions, GenerateUntilRequest } from './api';
import { prefixOf } from './loglikelihood';
import { requireWhole } from './options';

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
export async function* generateUntil(
  model: Model,
  tokenizer: Tokenizer,
  requests: Iterable<GenerateUntilRequest>,
  { prefix, temperature = 0, seed = 0, ...options }: GenerateUntilOptions = {},
): AsyncGenerator<string, void, undefined> {
  const before = prefixOf(tokenizer, prefix);
  for (const { context, until: ends = [], maxTokens = 256 } of requests) {
    const until = ends.filter((text) => text !== '');
    requireWhole('maxTokens', maxTokens, 0);
    const tokens = tokenizer.encode(context);
    const prompt = tokens.length > 0 ? tokens : before;
    const decoder = tokenizer.decoder();
    const { stop, signal, ...sampling } = options;
    const stopping = { ...(stop && { stop }), ...(signal && { signal }) };
    let text = '';
    let end = -1;
    for await (const { token } of generate(model, { prompt, maxTokens, temperature, seed, ...sampling, ...stopping })) {
      const length = text.length;
      text += decoder.push(token);
      end = firstOf(until, text, length);
      if (end >= 0) break;
    }
    if (end < 0) {
      const length = text.length;
      text += decoder.end();
      end = firstOf(until, text, length);
    }
    yield end < 0 ? text : text.slice(0, end);
  }
}

/** Where the first of some texts begins that was not complete in the first `length` characters; −1 if none does. */
function firstOf(texts: readonly string[], text: string, length: number): number {
  const found = texts.map((each) => text.indexOf(each, Math.max(0, length - each.length + 1))).filter((at) => at >= 0);
  return found.length > 0 ? Math.min(...found) : -1;
}
