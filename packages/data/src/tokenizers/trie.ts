// A prefix tree of texts, each with a number, over UTF-16 code units. One map holds all nodes, so that a quarter of a million
// texts take tens of megabytes.
import { DataError } from '../errors';

/** Code units of a text in it: the time for a place grows with the longest. Tokens that are looked for have at most 100. */
const LONGEST = 256;

/** Finds the texts with which a place of a text begins. */
export class Trie {
  static readonly root = 0;
  private readonly children = new Map<number, number>();
  private readonly numbers: (number | undefined)[] = [undefined];

  /** @throws DataError if a text is longer than 256 code units */
  constructor(entries: Iterable<readonly [text: string, number: number]>) {
    for (const [text, number] of entries) this.add(text, number);
  }

  private add(text: string, number: number): void {
    if (text === '') return;
    if (text.length > LONGEST) {
      const what = `length of the token "${text.slice(0, 20)}…"`;
      throw new DataError({ what, value: text.length, expected: `at most ${LONGEST} characters` });
    }
    let node = Trie.root;
    for (let i = 0; i < text.length; i++) {
      const key = node * 2 ** 16 + text.charCodeAt(i);
      let child = this.children.get(key);
      if (child === undefined) {
        child = this.numbers.push(undefined) - 1;
        this.children.set(key, child);
      }
      node = child;
    }
    this.numbers[node] = number;
  }

  /** The node that a code unit leads to; −1 if there is none. */
  step(node: number, unit: number): number {
    return this.children.get(node * 2 ** 16 + unit) ?? -1;
  }

  /** The number of the text that ends at a node. */
  numberAt(node: number): number | undefined {
    return this.numbers[node];
  }

  /** The longest text that stands at a place: its number and its end. */
  longestAt(text: string, from: number, root = Trie.root): readonly [number: number, to: number] | undefined {
    let found: readonly [number, number] | undefined;
    for (let at = from, node = root; at < text.length;) {
      node = this.step(node, text.charCodeAt(at++));
      if (node < 0) break;
      const number = this.numbers[node];
      if (number !== undefined) found = [number, at];
    }
    return found;
  }
}
