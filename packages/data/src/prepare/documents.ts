// Texts as documents: encoded some tokens at a time, so that a long text does not block the process, and cut to length.
import { nextTurn } from '@sympow/core';
import type { TokenArray, Tokenizer } from '../api';
import type { PrepareInput } from './api';
import type { Place } from './journal';
import type { KnownTexts } from './knownTexts';

/** How texts become documents. */
export interface Cuts {
  readonly tokenizer: Tokenizer;
  readonly part: readonly [from: number, to: number];
  /** Tokens of a document; undefined for whole texts. */
  readonly length: number | undefined;
  /** Whether to begin again after the last text. */
  readonly cycle: boolean;
  readonly known: KnownTexts;
  readonly signal: AbortSignal | undefined;
}

/** A document, or the end of a text. */
export interface Cut {
  readonly document: TokenArray | undefined;
  /** What comes next. */
  readonly place: Place;
  /** Tokens that were left at the end of the text. */
  readonly dropped: number;
}

/** The documents of texts, from a place on. */
export async function* documentsOf(inputs: readonly PrepareInput[], from: Place, cuts: Cuts): AsyncGenerator<Cut> {
  const { length, cycle } = cuts;
  let { pass, input, row } = from;
  for (;;) {
    // Whether this pass gives any documents is known if it is gone through from its beginning.
    let barren = input === 0 && row === 0;
    for (; input < inputs.length; input++) {
      const tokens = await encode(await cuts.known.read(inputs, input), cuts);
      const begin = length === undefined ? 0 : shiftOf(pass, length);
      const size = length ?? tokens.length;
      const count = size === 0 ? 0 : Math.max(0, Math.floor((tokens.length - begin) / size));
      for (; row < count; row++) {
        cuts.signal?.throwIfAborted();
        const at = begin + row * size;
        barren = false;
        yield { document: tokens.subarray(at, at + size), place: { pass, input, row: row + 1 }, dropped: 0 };
      }
      row = 0;
      const dropped = Math.max(0, tokens.length - begin - count * size);
      yield { document: undefined, place: { pass, input: input + 1, row }, dropped };
    }
    if (!cycle || barren) return;
    input = 0;
    pass++;
  }
}

/** Where cuts begin in a pass: 0, then 1/2, 1/4, 3/4, 1/8 … of a document (van der Corput). */
function shiftOf(pass: number, length: number): number {
  let share = 0;
  for (let bit = 0.5, rest = pass; rest > 0; bit /= 2, rest = Math.floor(rest / 2)) share += (rest % 2) * bit;
  return Math.floor(share * length);
}

/** Tokens of a part of a text: the same as encoding all of it and taking that share of its tokens. */
async function encode(bytes: Uint8Array, { tokenizer, part: [low, high], signal }: Cuts): Promise<TokenArray> {
  const pieces: TokenArray[] = [];
  let count = 0;
  for (const piece of tokenizer.encodeParts?.(bytes) ?? [tokenizer.encodeBytes(bytes)]) {
    signal?.throwIfAborted();
    pieces.push(piece);
    count += piece.length;
    await nextTurn();
  }
  const ids = tokenizer.vocabSize <= 2 ** 16 ? new Uint16Array(count) : new Int32Array(count);
  let at = 0;
  for (const piece of pieces) {
    ids.set(piece, at);
    at += piece.length;
  }
  return ids.subarray(Math.round(count * low), Math.round(count * high));
}
