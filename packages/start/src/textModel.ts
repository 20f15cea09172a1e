/** A model with its tokenizer: text in, text out. */

import type { Tokenizer } from '@sympow/data';
import { generateText, type GenerateTextOptions } from '@sympow/inference';
import type { Backend } from '@sympow/kernels';
import { saveModel, type Model } from '@sympow/model';
import { openStorage, type Storage } from '@sympow/storage';
import { TOKENIZER } from './tokenizerOf';

/** How text is written; as `generateText` of `@sympow/inference`, which documents each. At most 200 tokens unless said otherwise. */
export type WritingOptions = Omit<GenerateTextOptions, 'prompt'>;

const maxTokens = 200;

/**
 * What `fit` and `load` give. Its parts are there for whatever the other packages do with them.
 *
 * @example
 * ```ts
 * import { fit } from '@sympow/start';
 * const model = await fit('tick tock '.repeat(50), { steps: 10 });
 * for await (const piece of model.stream('tick', { maxTokens: 5, temperature: 0 })) console.log(piece); // such as ' '
 * await model.close();
 * ```
 */
export class TextModel {
  /**
   * @param owned - the backend to close with the model, if nobody else has it
   */
  constructor(
    readonly model: Model,
    readonly tokenizer: Tokenizer,
    private readonly owned?: Backend,
  ) {}

  /**
   * What follows a text. The same `seed` writes the same text; `temperature: 0` takes the likeliest token each time.
   *
   * @throws ConfigError for options out of their range
   * @throws the signal's reason when aborted; `stream` then has given what was written until then
   */
  async generate(prompt: string, options: WritingOptions = {}): Promise<string> {
    let text = '';
    for await (const piece of this.stream(prompt, options)) text += piece;
    return text;
  }

  /** As {@link generate}, piece by piece, as it is written. */
  async *stream(prompt: string, options: WritingOptions = {}): AsyncGenerator<string, void, undefined> {
    for await (const { text } of generateText(this.model, this.tokenizer, { maxTokens, ...options, prompt })) {
      if (text !== '') yield text;
    }
  }

  /**
   * Writes the model and its tokenizer: a folder that `load`, the command line and other software read.
   *
   * @param to - a folder's path, or any storage, such as that of a browser
   * @throws StorageError if the place cannot be written; what was there before is then left as it was
   */
  async save(to: string | Storage): Promise<void> {
    const files = { [TOKENIZER]: JSON.stringify(this.tokenizer) };
    await saveModel(typeof to === 'string' ? openStorage(to) : to, this.model, files);
  }

  /** Gives the memory back. A backend that was handed in stays open. */
  async close(): Promise<void> {
    this.model.dispose();
    await this.owned?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
