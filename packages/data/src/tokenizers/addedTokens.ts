// Tokens that are looked for in a text before it is cut into words: `added_tokens` of a tokenizer.json.
import type { AddedToken } from './byteLevel';
import { Trie } from './trie';

const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;
const SPACE = /\p{White_Space}/u;

/**
 * Cuts texts at the tokens in them: gives ids of those, and what is between them. Of several at one place the longest counts.
 *
 * @param contentOf - what stands for a token in such texts
 */
export function cutAtTokens(
  tokens: readonly AddedToken[],
  contentOf: (token: AddedToken) => string,
): (text: string) => Iterable<string | number> {
  if (tokens.length === 0) return (text) => [text];
  const trie = new Trie(tokens.map((token, i) => [contentOf(token), i]));
  return function* (text) {
    let from = 0;
    for (let at = 0; at < text.length;) {
      const found = trie.longestAt(text, at);
      if (!found) {
        at++;
        continue;
      }
      const token = tokens[found[0]]!;
      let [begin, end] = [at, found[1]];
      at = end;
      if (token.single_word && (isIn(WORD, text, begin - 1) || isIn(WORD, text, end))) continue;
      if (token.lstrip) while (begin > from && isIn(SPACE, text, begin - 1)) begin--;
      if (token.rstrip) while (isIn(SPACE, text, end)) end++;
      if (begin > from) yield text.slice(from, begin);
      yield token.id;
      from = at = end;
    }
    if (from < text.length) yield text.slice(from);
  };
}

function isIn(kind: RegExp, text: string, at: number): boolean {
  return at >= 0 && at < text.length && kind.test(text[at]!);
}
