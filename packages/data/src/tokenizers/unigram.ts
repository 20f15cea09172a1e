// A unigram language model: of all ways to spell a word in tokens, the likeliest one.
//
// Kudo: "Subword Regularization", 2018.
import type { TokenizerFile } from './tokenizerFile';
import { Trie } from './trie';
import { byteTokensOf, cannotSpell, spelledInBytes, type Ids, type WordModel } from './wordModel';

/** How much less likely a character is that is not known than the least likely token. */
const UNKNOWN_PENALTY = 10;

const UNKNOWN = -1;

/** @throws DataError if the vocabulary is no list of tokens with scores, or one of them is too long */
export function unigramModel({ model, vocab, ids, written }: TokenizerFile): WordModel {
  const entries = model.value('vocab');
  if (!Array.isArray(entries)) model.wrong('vocab', 'a list of tokens with scores');
  const scores = (entries as [string, number][]).map(([, score]) => score);
  const unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
  const unknown = model.value('unk_id') === undefined ? undefined : model.count('unk_id', 0);
  if (unknown !== undefined && !written.has(unknown)) model.wrong('unk_id', 'the id of a token');
  const bytes = model.flag('byte_fallback', false) ? byteTokensOf(ids) : undefined;
  // What is not known is no text.
  const trie = new Trie([...vocab].filter(([, id]) => id !== unknown));

  /** Ends of tokens that begin at a place, and whether one of them is its one character. */
  function matchesAt(word: string, from: number, width: number, found: (id: number, to: number) => void): boolean {
    let single = false;
    for (let at = from, node = Trie.root; at < word.length;) {
      node = trie.step(node, word.charCodeAt(at++));
      if (node < 0) break;
      const id = trie.numberAt(node);
      if (id === undefined) continue;
      found(id, at);
      single ||= at === from + width;
    }
    return single;
  }

  function encode(word: string, into: Ids): void {
    const n = word.length;
    const best = new Float64Array(n + 1).fill(-Infinity);
    const from = new Int32Array(n + 1);
    const token = new Int32Array(n + 1);
    best[0] = 0;
    for (let at = 0, width; at < n; at += width) {
      width = widthAt(word, at);
      const here = best[at]!;
      const offer = (id: number, to: number, score: number) => {
        if (here + score > best[to]!) [best[to], from[to], token[to]] = [here + score, at, id];
      };
      if (here === -Infinity) continue;
      const single = matchesAt(word, at, width, (id, to) => offer(id, to, scores[id]!));
      if (!single) offer(UNKNOWN, at + width, unknownScore);
    }
    const path: number[] = [];
    for (let at = n; at > 0; at = from[at]!) path.push(at);
    let wasUnknown = false;
    for (let i = path.length - 1; i >= 0; i--) {
      const to = path[i]!;
      const isUnknown = token[to] === UNKNOWN;
      if (!isUnknown) into.push(token[to]!);
      else spellUnknown(word.slice(from[to], to), wasUnknown, into);
      wasUnknown = isUnknown;
    }
  }

  /** What is not known is one token, however long. */
  function spellUnknown(text: string, again: boolean, into: Ids): void {
    const spelled = bytes && spelledInBytes(text, bytes);
    if (spelled) into.pushAll(spelled);
    else if (unknown === undefined) cannotSpell(text);
    else if (!again) into.push(unknown);
  }

  /** Cuts where no token reaches across, and which is not within what is not known. */
  function* parts(word: string): Generator<string> {
    let begin = 0;
    let reach = 0;
    let knew = true;
    for (let at = 0, width; at < word.length; at += width) {
      width = widthAt(word, at);
      let end = at + width;
      const knows = matchesAt(word, at, width, (_, to) => (end = Math.max(end, to)));
      if (at > begin && reach <= at && (knows || knew)) {
        yield word.slice(begin, at);
        begin = at;
      }
      reach = Math.max(reach, end);
      knew = knows;
    }
    yield word.slice(begin);
  }
  return { encode, parts };
}

function widthAt(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}
