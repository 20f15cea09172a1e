// Texts as documents: cut to length.
import type { TokenArray } from '../api';
import type { EncodedTexts } from './encodedTexts';
import type { Place } from './journal';

/** How texts become documents. */
export interface Cuts {
  readonly texts: EncodedTexts;
  /** How many texts there are. */
  readonly count: number;
  /** Tokens of a document; undefined for whole texts. */
  readonly length: number | undefined;
  /** Whether to begin again after the last text. */
  readonly cycle: boolean;
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
export async function* documentsOf(from: Place, { texts, count, length, cycle, signal }: Cuts): AsyncGenerator<Cut> {
  let { pass, input, row } = from;
  for (;;) {
    // Whether this pass gives any documents is known if it is gone through from its beginning.
    let barren = input === 0 && row === 0;
    for (; input < count; input++) {
      const tokens = await texts.of(input);
      const begin = length === undefined ? 0 : shiftOf(pass, length);
      const size = length ?? tokens.length;
      const documents = size === 0 ? 0 : Math.max(0, Math.floor((tokens.length - begin) / size));
      for (; row < documents; row++) {
        signal?.throwIfAborted();
        const at = begin + row * size;
        barren = false;
        yield { document: tokens.subarray(at, at + size), place: { pass, input, row: row + 1 }, dropped: 0 };
      }
      row = 0;
      const dropped = Math.max(0, tokens.length - begin - documents * size);
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
