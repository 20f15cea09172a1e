// WordPiece: a word is spelled from its front in the longest tokens there are; those within a word have a mark in front.
import type { TokenizerFile } from './tokenizerFile';
import { Trie } from './trie';
import { cannotSpell, type Ids, type WordModel } from './wordModel';

export function wordPieceModel({ model, vocab, ids }: TokenizerFile): WordModel {
  const mark = model.text('continuing_subword_prefix', '##');
  const longest = model.count('max_input_chars_per_word', 100);
  const unknown = ids.get(model.text('unk_token', '[UNK]'));
  const begins = new Trie(vocab);
  const continues = new Trie(
    [...vocab].filter(([token]) => token.startsWith(mark)).map(([token, id]) => [token.slice(mark.length), id]),
  );

  function encode(word: string, into: Ids): void {
    const begin = into.length;
    // Characters are not counted where their number cannot matter.
    if (word.length <= longest || [...word].length <= longest) {
      let at = 0;
      while (at < word.length) {
        const found = (at === 0 ? begins : continues).longestAt(word, at);
        if (!found) break;
        into.push(found[0]);
        at = found[1];
      }
      if (at >= word.length) return;
    }
    into.length = begin;
    if (unknown === undefined) cannotSpell(word);
    into.push(unknown);
  }
  return { encode, parts: (word) => [word] };
}
