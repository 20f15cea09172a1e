/**
 * Text as it comes, token by token: whole characters, up to the first stop text. What is not decided yet is held back: bytes
 * of a character that is not whole, and characters with which a stop text may begin.
 */

import { ConfigError } from '@sympow/kernels';

/** The end of a text that may go on. */
export interface OpenText {
  /** Tokens that bring a new decoder to where the old one stood: those of a character that is not whole, and some before. */
  readonly tokens: readonly number[];
  /** Characters that were not shown, as a stop text may begin with them. */
  readonly held: string;
}

/** Turns tokens into text one by one; the decoders of `@sympow/data` do. */
export interface TokenDecoder {
  /** The characters that this token completes. */
  push(token: number): string;
  /** What stands for a character that was left incomplete. */
  end(): string;
}

/** See the head of this file. */
export class TextStream {
  /** Whether a stop text has come. Text ends before it, and what follows it is dropped. */
  stopped = false;
  private readonly stops: readonly string[];
  private held: string;
  /** Tokens of the characters that came last, and those since. */
  private shown: readonly number[] = [];
  private since: number[] = [];

  /**
   * @param stops - texts that end it. The one that is complete first counts; of several, the one that begins first. Lone
   * surrogates, which are not text, count as U+FFFD.
   * @param open - the end of a text that this one goes on from
   * @throws ConfigError for an empty stop text
   */
  constructor(
    private readonly decoder: TokenDecoder,
    stops: readonly string[] = [],
    { tokens, held }: OpenText = { tokens: [], held: '' },
  ) {
    if (stops.includes('')) {
      throw new ConfigError({ what: 'a stop text', value: '', message: 'a stop text is empty', expected: 'some text' });
    }
    this.stops = stops.map((stop) => stop.replace(/\p{Surrogate}/gu, '\uFFFD'));
    for (const token of tokens) this.decode(token);
    this.held = held;
  }

  /** The text that can be shown with one more token. */
  push(token: number): string {
    return this.show(this.decode(token));
  }

  /** The text that need not be held back for the stop texts of this stream: something where it goes on from one of others. */
  begin(): string {
    return this.show('');
  }

  /** All that was held back, with U+FFFD for a character that is not whole. A text that goes on begins anew. */
  end(): string {
    const text = this.show(this.decoder.end());
    const rest = this.held;
    [this.held, this.shown, this.since] = ['', [], []];
    return text + rest;
  }

  /** What a stream that goes on from here has to know: nothing after a stop text. */
  open(): OpenText {
    if (this.stopped) return { tokens: [], held: '' };
    return { tokens: [...this.shown, ...this.since], held: this.held };
  }

  private decode(token: number): string {
    const text = this.decoder.push(token);
    this.since.push(token);
    if (text !== '') [this.shown, this.since] = [this.since, []];
    return text;
  }

  private show(text: string): string {
    if (this.stopped) return '';
    const all = this.held + text;
    const stop = firstComplete(all, this.stops);
    this.stopped = stop >= 0;
    const end = this.stopped ? stop : all.length - longestBeginning(all, this.stops);
    this.held = this.stopped ? '' : all.slice(end);
    return all.slice(0, end);
  }
}

/** Where the stop begins that is complete first; −1 if none is. */
function firstComplete(text: string, stops: readonly string[]): number {
  let [begin, end] = [-1, Infinity];
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at < 0 || at + stop.length > end || (at + stop.length === end && at > begin)) continue;
    [begin, end] = [at, at + stop.length];
  }
  return begin;
}

/** How many units at the end of a text a stop begins with. All of them are whole characters, as the text ends with one. */
function longestBeginning(text: string, stops: readonly string[]): number {
  const lengths = stops.map((stop) => {
    let length = Math.min(text.length, stop.length - 1);
    while (!text.endsWith(stop.slice(0, length))) length--;
    return length;
  });
  return Math.max(0, ...lengths);
}
