// What the models of a tokenizer.json have in common: they spell words in tokens.
import { DataError } from '../errors';

/** Spells words in tokens, each for itself. */
export interface WordModel {
  /** @throws DataError if there is no token for a part of it, and none for what is not known */
  encode(word: string, into: Ids): void;
  /** A long word in parts whose spellings, one after another, are the spelling of the word. */
  parts(word: string): Iterable<string>;
}

/** A growing list of ids. */
export class Ids {
  private ids = new Int32Array(1024);
  length = 0;

  push(id: number): void {
    if (this.length === this.ids.length) {
      const longer = new Int32Array(2 * this.ids.length);
      longer.set(this.ids);
      this.ids = longer;
    }
    this.ids[this.length++] = id;
  }

  pushAll(ids: ArrayLike<number>): void {
    for (let i = 0; i < ids.length; i++) this.push(ids[i]!);
  }

  /** Those from a place on. */
  from(place: number): Int32Array {
    return this.ids.slice(place, this.length);
  }

  /** All of them; the list is empty then. */
  take(): Int32Array {
    const ids = this.from(0);
    this.length = 0;
    return ids;
  }
}

/** The tokens that spell single bytes, `<0x00>` … `<0xFF>`; undefined for those that there are not. */
export function byteTokensOf(ids: ReadonlyMap<string, number>): readonly (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`));
}

const encoder = new TextEncoder();

/** The tokens of a text's bytes; undefined if there is not one for each. */
export function spelledInBytes(text: string, tokens: readonly (number | undefined)[]): number[] | undefined {
  const ids: number[] = [];
  for (const byte of encoder.encode(text)) {
    const id = tokens[byte];
    if (id === undefined) return undefined;
    ids.push(id);
  }
  return ids;
}

/** @throws DataError always */
export function cannotSpell(text: string): never {
  throw new DataError({
    what: 'text',
    value: text.length > 40 ? `${text.slice(0, 40)}…` : text,
    expected: 'text that the vocabulary can spell, as it has no token for what it does not know',
  });
}
