// Byte pair encoding: of all neighbours in a word, those of the earliest merge become one, the leftmost first, until no
// merge is left.
//
// Sennrich, Haddow, Birch: "Neural Machine Translation of Rare Words with Subword Units", 2016.
import { DataError } from '../errors';
import { mergesOf, type TokenizerFile } from './tokenizerFile';
import { byteTokensOf, cannotSpell, spelledInBytes, type Ids, type WordModel } from './wordModel';

/** Words that are kept with their tokens, and how long they may be. */
const CACHED_WORDS = 2 ** 15;
const LONGEST_CACHED = 64;

/** Up to here the earliest merge is looked for among all of them. */
const SHORT = 48;

const GONE = -1;

/** Tells of a pair of tokens which merge it is, and what it becomes. */
export class Merges {
  private readonly rankOf = new Map<number, number>();
  private readonly becomes: number[] = [];

  /** @param vocabSize - more than the greatest id */
  constructor(private readonly vocabSize: number) {}

  add(left: number, right: number, into: number): void {
    this.rankOf.set(left * this.vocabSize + right, this.becomes.push(into) - 1);
  }

  /** All of them. */
  *pairs(): Generator<[left: number, right: number]> {
    for (const key of this.rankOf.keys()) {
      const right = key % this.vocabSize;
      yield [(key - right) / this.vocabSize, right];
    }
  }

  /** Merges what can be merged of the first n tokens, in place; says how many are left. */
  apply(tokens: Int32Array, n: number): number {
    return n <= SHORT ? this.applyShort(tokens, n) : this.applyLong(tokens, n);
  }

  private rank(left: number, right: number): number {
    return this.rankOf.get(left * this.vocabSize + right) ?? Infinity;
  }

  private applyShort(tokens: Int32Array, count: number): number {
    let n = count;
    const ranks: number[] = [];
    for (let i = 0; i + 1 < n; i++) ranks.push(this.rank(tokens[i]!, tokens[i + 1]!));
    for (;;) {
      let best = Infinity;
      let at = 0;
      for (let i = 0; i + 1 < n; i++) if (ranks[i]! < best) [best, at] = [ranks[i]!, i];
      if (best === Infinity) return n;
      tokens[at] = this.becomes[best]!;
      tokens.copyWithin(at + 1, at + 2, n);
      ranks.splice(at, 1);
      n--;
      if (at > 0) ranks[at - 1] = this.rank(tokens[at - 1]!, tokens[at]!);
      if (at + 1 < n) ranks[at] = this.rank(tokens[at]!, tokens[at + 1]!);
    }
  }

  /** With a heap of pairs, those that are no longer there among them. */
  private applyLong(tokens: Int32Array, n: number): number {
    const next = Int32Array.from({ length: n }, (_, i) => i + 1);
    const before = Int32Array.from({ length: n }, (_, i) => i - 1);
    const heap = new Heap();
    const offer = (at: number) => {
      const rank = at < 0 || next[at]! >= n ? Infinity : this.rank(tokens[at]!, tokens[next[at]!]!);
      // Which merge, then where: one number.
      if (rank < Infinity) heap.push(rank * n + at);
    };
    for (let at = 0; at + 1 < n; at++) offer(at);
    while (heap.size > 0) {
      const key = heap.pop();
      const at = key % n;
      const rank = (key - at) / n;
      const right = next[at]!;
      if (tokens[at] === GONE || right >= n || this.rank(tokens[at]!, tokens[right]!) !== rank) continue;
      tokens[at] = this.becomes[rank]!;
      tokens[right] = GONE;
      next[at] = next[right]!;
      if (next[at] < n) before[next[at]] = at;
      offer(before[at]!);
      offer(at);
    }
    let left = 0;
    for (let at = 0; at < n; at = next[at]!) tokens[left++] = tokens[at]!;
    return left;
  }
}

/** The least of some numbers. */
class Heap {
  private readonly keys: number[] = [];

  get size(): number {
    return this.keys.length;
  }

  push(key: number): void {
    const { keys } = this;
    let at = keys.push(key) - 1;
    for (let up = (at - 1) >> 1; at > 0 && keys[up]! > key; up = (at - 1) >> 1) {
      keys[at] = keys[up]!;
      at = up;
    }
    keys[at] = key;
  }

  pop(): number {
    const { keys } = this;
    const least = keys[0]!;
    const key = keys.pop()!;
    if (keys.length === 0) return least;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= keys.length) break;
      if (child + 1 < keys.length && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      at = child;
    }
    keys[at] = key;
    return least;
  }
}

/** What words are spelled with. */
export interface BPE {
  readonly merges: Merges;
  readonly vocab: ReadonlyMap<string, number>;
  readonly written: ReadonlyMap<number, string>;
  /** The token for what is not known. */
  readonly unknown?: number | undefined;
  /** Whether one such token stands for all that follows each other. */
  readonly fuse?: boolean;
  /** Tokens that spell what is not known in bytes. */
  readonly bytes?: readonly (number | undefined)[] | undefined;
  /** What stands before all characters of a word but the first, and behind the last. */
  readonly prefix?: string;
  readonly suffix?: string;
  /** Whether a word that is a token is not merged from its characters. */
  readonly whole?: boolean;
}

/** @throws DataError if the merges do not fit the vocabulary */
export function bpeModel({ model, vocab, ids, written, vocabSize }: TokenizerFile): WordModel {
  const prefix = model.text('continuing_subword_prefix', '');
  const merges = new Merges(vocabSize);
  for (const [left, right] of mergesOf(model)) {
    const into = left + right.slice(right.startsWith(prefix) ? prefix.length : 0);
    const [leftId, rightId, id] = [ids.get(left), ids.get(right), ids.get(into)];
    if (leftId === undefined || rightId === undefined || id === undefined) {
      throw new DataError({
        what: `merge of ${model.where}`,
        value: `${left} ${right}`,
        expected: 'tokens of the vocabulary that become one of it',
      });
    }
    // No text becomes a token that is special.
    if (vocab.has(into)) merges.add(leftId, rightId, id);
  }
  return bpeWords({
    ...{ merges, vocab, written, prefix },
    unknown: model.value('unk_token') === undefined ? undefined : ids.get(model.text('unk_token')),
    fuse: model.flag('fuse_unk', false),
    bytes: model.flag('byte_fallback', false) ? byteTokensOf(ids) : undefined,
    suffix: model.text('end_of_word_suffix', ''),
    whole: model.flag('ignore_merges', false),
  });
}

export function bpeWords({ merges, vocab, written, unknown, bytes, ...options }: BPE): WordModel {
  const { prefix = '', suffix = '', whole = false, fuse = false } = options;

  function symbols(word: string, into: Ids): void {
    let wasUnknown = false;
    for (let at = 0, to; at < word.length; at = to) {
      to = at + (word.codePointAt(at)! > 0xffff ? 2 : 1);
      const symbol = (at > 0 ? prefix : '') + word.slice(at, to) + (to === word.length ? suffix : '');
      const id = vocab.get(symbol);
      const spelled = id === undefined && bytes ? spelledInBytes(symbol, bytes) : undefined;
      if (id !== undefined) into.push(id);
      else if (spelled) into.pushAll(spelled);
      else if (unknown === undefined) cannotSpell(word);
      else if (!(fuse && wasUnknown)) into.push(unknown);
      wasUnknown = id === undefined && spelled === undefined;
    }
  }

  const cache = new Map<string, readonly number[]>();
  function encode(word: string, into: Ids): void {
    const known = whole ? vocab.get(word) : undefined;
    if (known !== undefined) return into.push(known);
    const cached = cache.get(word);
    if (cached) return into.pushAll(cached);
    const begin = into.length;
    symbols(word, into);
    const tokens = into.from(begin);
    const left = merges.apply(tokens, tokens.length);
    into.length = begin;
    for (let i = 0; i < left; i++) into.push(tokens[i]!);
    if (word.length > LONGEST_CACHED) return;
    if (cache.size === CACHED_WORDS) cache.clear();
    cache.set(word, Array.from(tokens.subarray(0, left)));
  }

  /** Where a merge may join the character before a place to the one behind it. */
  let joints: Set<number> | undefined;
  function* parts(word: string): Generator<string> {
    joints ??= new Set(
      Array.from(merges.pairs(), ([left, right]) =>
        joint(lastOf(written.get(left)!), written.get(right)!.codePointAt(0) ?? 0),
      ),
    );
    if (prefix !== '' || suffix !== '' || (whole && vocab.has(word))) {
      yield word;
      return;
    }
    let from = 0;
    let before = word.codePointAt(0)!;
    let knew = vocab.has(String.fromCodePoint(before));
    for (let at = before > 0xffff ? 2 : 1, code; at < word.length; at += code > 0xffff ? 2 : 1) {
      code = word.codePointAt(at)!;
      const knows = vocab.has(String.fromCodePoint(code));
      if (knows && knew && !joints.has(joint(before, code))) {
        yield word.slice(from, at);
        from = at;
      }
      [before, knew] = [code, knows];
    }
    yield word.slice(from);
  }
  return { encode, parts };
}

function joint(before: number, behind: number): number {
  return before * 0x110000 + behind;
}

function lastOf(text: string): number {
  const code = text.codePointAt(text.length - 2) ?? 0;
  return code > 0xffff ? code : text.charCodeAt(text.length - 1);
}
