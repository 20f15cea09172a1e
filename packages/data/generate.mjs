// The merges of GPT-2 as numbers, deflated, from the tokens that gpt-tokenizer lists by rank.
import { deflateSync } from 'node:zlib';

export const inputs = ['generate.mjs', 'package.json'];

/** Which two tokens each merge joins. @param {readonly string[]} tokens @returns {[left: number, right: number][]} */
function pairsOf(tokens) {
  const rank = new Map(tokens.map((token, id) => [token, id]));
  return tokens.slice(256).map((token, i) => {
    const parts = [...token];
    while (parts.length > 2) {
      // The merges before a token leave two parts of it.
      const ranks = parts.slice(1).map((part, at) => rank.get(`${parts[at]}${part}`) ?? Infinity);
      const first = Math.min(...ranks.filter((of) => of < 256 + i));
      if (first === Infinity) throw new Error(`no merges make the token ${JSON.stringify(token)}`);
      const at = ranks.indexOf(first);
      parts.splice(at, 2, parts.slice(at, at + 2).join(''));
    }
    const [left = '', right = ''] = parts;
    return [rank.get(left) ?? NaN, rank.get(right) ?? NaN];
  });
}

export const outputs = {
  'src/tokenizers/gpt2.gen.ts': async () => {
    const { default: ranks } = await import('gpt-tokenizer/bpeRanks/r50k_base');
    // A letter for each byte.
    const pairs = pairsOf(ranks.map((token) => Buffer.from(token).toString('latin1')));
    const sides = [pairs.map(([left]) => left), pairs.map(([, right]) => right)];
    const planes = sides.flatMap((ids) => [ids.map((id) => id & 255), ids.map((id) => id >> 8)]).flat();
    return `export const base64 = '${deflateSync(Uint8Array.from(planes), { level: 9 }).toString('base64')}';\n`;
  },
};
