// The tokenizer of GPT-2. Its tokens are those of gpt-tokenizer, whose table is loaded when it is first asked for; they are
// bytes, so that they come back exactly, whatever they are.
import type { Tokenizer, TokenizerJSON } from '../api';
import { assembled } from './assembled';
import { bpeWords, Merges } from './bpe';
import { byteLevelJSON, charactersOf, readByteLevel } from './byteLevel';
import { byteLevelWords, inTurn } from './preTokenizers';

const END_OF_TEXT = 50256;
const END_CONTENT = '<|endoftext|>';

let loaded: Promise<Tokenizer> | undefined;

/**
 * The byte-level BPE of GPT-2 (r50k_base): 50,257 ids, of which 50256 ends a text. That id is never the encoding of any
 * text, not even of `<|endoftext|>`.
 *
 * @example
 * ```ts
 * import { gpt2Tokenizer } from '@sympow/data';
 * const tokenizer = await gpt2Tokenizer();
 * console.log([...tokenizer.encode('It was the best of times')]); // [ 1026, 373, 262, 1266, 286, 1661 ]
 * ```
 */
export function gpt2Tokenizer(): Promise<Tokenizer> {
  return (loaded ??= load());
}

/** The tokenizer of GPT-2 if this is its `tokenizer.json`, else undefined. */
export async function readGpt2Tokenizer(json: TokenizerJSON): Promise<Tokenizer | undefined> {
  const { vocab, merges, added, words } = readByteLevel(json) ?? {};
  const likely =
    vocab !== undefined &&
    words === true &&
    Object.keys(vocab).length <= END_OF_TEXT + 1 &&
    merges?.length === END_OF_TEXT - 256 &&
    (vocab[END_CONTENT] === END_OF_TEXT ||
      added?.some(({ id, content }) => id === END_OF_TEXT && content === END_CONTENT)) &&
    added!.every(({ id }) => id === END_OF_TEXT);
  if (!likely) return undefined;
  const tokenizer = await gpt2Tokenizer();
  const own = readByteLevel(tokenizer.toJSON())!;
  const same =
    Object.entries(own.vocab).every(([token, id]) => vocab[token] === id) &&
    own.merges.every((merge, i) => merges[i] === merge);
  return same ? tokenizer : undefined;
}

async function load(): Promise<Tokenizer> {
  const { default: ranks } = await import('gpt-tokenizer/bpeRanks/r50k_base');
  const table = ranks.map((token) =>
    typeof token === 'string' ? new TextEncoder().encode(token) : Uint8Array.from(token),
  );
  const tokens = table.slice(0, END_OF_TEXT).map(charactersOf);
  const merges = mergesOf(table);
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  const end = { id: END_OF_TEXT, content: END_CONTENT, special: true };
  const written = new Map([...tokens, END_CONTENT].entries());
  let json: TokenizerJSON | undefined;
  return assembled({
    name: 'gpt2',
    file: { vocab, ids: vocab, written, vocabSize: written.size, added: [], special: [end] },
    toJSON: () => (json ??= toJSON(tokens, merges)),
    model: bpeWords({ merges, vocab, written }),
    normalize: undefined,
    preTokenize: byteLevelWords({ space: false, words: true }).reduce(inTurn),
    decode: 'bytes',
    keepsBytes: true,
    cutBefore: 0x0a,
  });
}

/** The merges are not listed, but follow from the ranks: those below a token leave two parts of it, which make it. */
function mergesOf(table: readonly Uint8Array[]): Merges {
  const idOfByte = new Int32Array(256);
  for (let id = 0; id < 256; id++) idOfByte[table[id]![0]!] = id;
  const merges = new Merges(END_OF_TEXT);
  const parts = new Int32Array(256);
  for (let id = 256; id < END_OF_TEXT; id++) {
    const bytes = table[id]!;
    for (let i = 0; i < bytes.length; i++) parts[i] = idOfByte[bytes[i]!]!;
    merges.apply(parts, bytes.length);
    merges.add(parts[0]!, parts[1]!, id);
  }
  return merges;
}

function toJSON(tokens: readonly string[], merges: Merges): TokenizerJSON {
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  vocab[END_CONTENT] = END_OF_TEXT;
  const pairs = Array.from(merges.pairs(), ([left, right]) => `${tokens[left]!} ${tokens[right]!}`);
  return byteLevelJSON({ vocab, merges: pairs, added: [{ id: END_OF_TEXT, content: END_CONTENT }], words: true });
}
