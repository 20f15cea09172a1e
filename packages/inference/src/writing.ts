/** The text of a session while it is written: what a prompt ends, what each token adds, and what is held back. */

import { TextStream, type OpenText, type TokenDecoder } from './textStream';

/** What text needs of a tokenizer; those of `@sympow/data` have it. */
export interface TextTokenizer {
  encode(text: string): Int32Array;
  decoder(): TokenDecoder;
}

/** Where a text stands that was shown. */
export interface Shown {
  text: OpenText | undefined;
}

/** A text that goes on where `shown` stands, and moves it on. */
export class Writing {
  /** Tokens of the prompt. */
  readonly prompt: ArrayLike<number>;
  private readonly stream: TextStream;
  private readonly first: string;

  /**
   * @param stops - texts that end it, see `TextStream`
   * @throws ConfigError for an empty stop text
   */
  constructor(
    tokenizer: TextTokenizer,
    private readonly shown: Shown,
    prompt: string | ArrayLike<number>,
    stops: readonly string[],
  ) {
    this.prompt = typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt;
    let [ended, open] = ['', shown.text];
    if (this.prompt.length > 0) {
      ended = endText(tokenizer, { text: open });
      open = { tokens: typeof prompt === 'string' ? encodeEnd(tokenizer, prompt) : [], held: '' };
    }
    this.stream = new TextStream(tokenizer.decoder(), stops, open);
    this.first = ended + this.stream.begin();
  }

  /** Whether a stop text has come. */
  get stopped(): boolean {
    return this.stream.stopped;
  }

  /** What a prompt ends, and what need not be held back any more. */
  begin(): string {
    this.shown.text = this.stream.open();
    return this.first;
  }

  /** The text that can be shown with one more token. */
  push(token: number): string {
    const text = this.stream.push(token);
    this.shown.text = this.stream.open();
    return text;
  }
}

/** The characters that a session holds back, given up: U+FFFD stands for one that is not whole. */
export function endText(tokenizer: TextTokenizer, shown: Shown): string {
  const text = new TextStream(tokenizer.decoder(), [], shown.text).end();
  shown.text = undefined;
  return text;
}

/** Tokens of the end of a text: what follows may be spelt by what stands before it, as a space between two words. */
function encodeEnd(tokenizer: TextTokenizer, text: string): readonly number[] {
  return Array.from(tokenizer.encode(text.slice(-64).replace(/^[\uDC00-\uDFFF]/, '')));
}
