// The tokenizer of GPT-2. Its merges are a table that generate.mjs makes and that is loaded when it is first asked for; its
// tokens are bytes, so that they come back exactly, whatever they are.
import type { Tokenizer, TokenizerJSON } from '../api';
import { inflate } from '../datasets/codecs/inflate';
import { assembled } from './assembled';
import { bpeWords, Merges } from './bpe';
import { BYTE_CHARACTERS, byteLevelJSON, readByteLevel } from './byteLevel';
import { byteLevelWords, inTurn } from './preTokenizers';

const END_OF_TEXT = 50256;
const END_CONTENT = '<|endoftext|>';
const BYTES = 256;
const MERGES = END_OF_TEXT - BYTES;

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
  if (loaded) return loaded;
  loaded = load();
  // A part of a page that could not be fetched may be there the next time.
  loaded.catch(() => (loaded = undefined));
  return loaded;
}

/** The tokenizer of GPT-2 if this is its `tokenizer.json`, else undefined. */
export async function readGpt2Tokenizer(json: TokenizerJSON): Promise<Tokenizer | undefined> {
  const { vocab, merges, added, words } = readByteLevel(json) ?? {};
  const likely =
    vocab !== undefined &&
    words === true &&
    Object.keys(vocab).length <= END_OF_TEXT + 1 &&
    merges?.length === MERGES &&
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
  const { tokens, merges } = await readMerges();
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

/** Bytes come first, as their characters are ordered; each merge makes the next token. */
async function readMerges(): Promise<{ tokens: string[]; merges: Merges }> {
  const { base64 } = await import('./gpt2.gen');
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const bytes = await inflate(packed, 'deflate', { least: 4 * MERGES, most: 4 * MERGES });
  const tokens = [...BYTE_CHARACTERS].sort();
  const merges = new Merges(END_OF_TEXT);
  for (let i = 0; i < MERGES; i++) {
    // Low and high bytes of the left parts, then of the right ones.
    const [left, right] = [i, i + 2 * MERGES].map((at) => bytes[at]! + 256 * bytes[at + MERGES]!) as [number, number];
    merges.add(left, right, tokens.push(tokens[left]! + tokens[right]!) - 1);
  }
  return { tokens, merges };
}

function toJSON(tokens: readonly string[], merges: Merges): TokenizerJSON {
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  vocab[END_CONTENT] = END_OF_TEXT;
  const pairs = Array.from(merges.pairs(), ([left, right]) => `${tokens[left]!} ${tokens[right]!}`);
  return byteLevelJSON({ vocab, merges: pairs, added: [{ id: END_OF_TEXT, content: END_CONTENT }], words: true });
}
