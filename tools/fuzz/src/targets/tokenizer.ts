// `tokenizer.json` of every kind, and text through it and back.
import { byteTokenizer, tokenizerFromJSON } from '@sympow/data';
import fc from 'fast-check';
import { changedJSON } from '../inputs';
import { target } from '../target';

const vocab = Object.fromEntries(
  [...'abcdefgh', 'ab', 'cd', 'abcd', '<unk>', 'Ġa', '##b'].map((text, id) => [text, id]),
);
const parts = { version: '1.0', truncation: null, padding: null, added_tokens: [], post_processor: null };
const spaces = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const bpe = {
  ...parts,
  normalizer: null,
  pre_tokenizer: spaces,
  decoder: spaces,
  model: { type: 'BPE', vocab, merges: [['a', 'b'], ['c', 'd'], ['ab', 'cd']], unk_token: '<unk>', byte_fallback: false }, // prettier-ignore
  added_tokens: [{ id: 14, content: '<|endoftext|>', special: true, single_word: false, lstrip: false, rstrip: false, normalized: false }], // prettier-ignore
};
const wordPiece = {
  ...parts,
  normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] },
  pre_tokenizer: { type: 'Split', pattern: { Regex: '\\s+' }, behavior: 'Isolated', invert: false },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    vocab,
    unk_token: '<unk>',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
  },
};
const unigram = {
  ...parts,
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
  model: { type: 'Unigram', unk_id: 0, vocab: Object.keys(vocab).map((text, i) => [text, -i]), byte_fallback: true },
};

export const tokenizer = target({
  name: 'tokenizer',
  inputs: fc.record({
    json: changedJSON(bpe, wordPiece, unigram, byteTokenizer().toJSON()),
    text: fc.oneof(fc.string(), fc.constantFrom('abcd abc efgh', 'a'.repeat(500), '\ud800', '\u{1f600} é\u0301', '')),
    ids: fc.array(fc.oneof(fc.nat({ max: 20 }), fc.integer(), fc.double()), { maxLength: 20 }),
  }),
  async run({ json, text, ids }) {
    const tokenizer = await tokenizerFromJSON(json);
    tokenizer.decode(tokenizer.encode(text));
    tokenizer.encodeBytes(new TextEncoder().encode(text));
    const decoder = tokenizer.decoder();
    for (const id of ids) decoder.push(id);
    decoder.end();
  },
});
